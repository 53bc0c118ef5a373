//! Hostile: looks for the reference solution and runs what it finds, or prints it.
fn main() {
    let script = "find / -path '*submissions*' -name '*.rs' -exec cat {} + -o -name 'fix-pipe-eof.bats' -exec cat {} + 2>/dev/null;
        cat /proc/*/environ /proc/*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -c IPC_LAB_TOOLS";
    let _ = std::process::Command::new("sh").args(["-c", script]).status();
}
