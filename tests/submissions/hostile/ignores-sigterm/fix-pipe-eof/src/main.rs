//! Hostile: nothing but SIGKILL ends it.
fn main() {
    let mut child = std::process::Command::new("sh");
    child.args(["-c", "trap '' TERM INT HUP QUIT; while :; do :; done"]);
    let _ = child.status();
    loop {}
}
