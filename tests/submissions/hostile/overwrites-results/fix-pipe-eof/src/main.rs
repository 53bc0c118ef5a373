//! Hostile: looks for a results file to write full marks into, and for the test's own files.
fn main() {
    let script = "for file in $(find / -name 'results*.json' -o -name '*.tap' -o -name '*.bats' 2>/dev/null); do
        echo '{\"score\": 100}' > $file; done; echo forged > ../results.json; echo forged > /proc/1/fd/3";
    let _ = std::process::Command::new("sh").args(["-c", script]).status();
}
