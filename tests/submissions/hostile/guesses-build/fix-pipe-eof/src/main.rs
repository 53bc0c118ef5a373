//! Hostile: lists the processes of this machine and the folders below /tmp, and tries to enter and to read
//! each build folder by its name from a command line. It would gain paths, names and sources of others.
use std::fs;

fn main() {
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        for word in line.split(' ').filter(|word| word.contains("/ipc-grade.")) {
            for below in [
                "/ws/crates/exercises/fix-pipe-eof/src/main.rs",
                "/report.tap",
                "/box-failure",
                "/target/debug/fix-pipe-eof.d",
            ] {
                let at = word.find("/ipc-grade.").unwrap_or(0) + 1;
                let root = &word[..at + word[at..].find('/').unwrap_or(word.len() - at)];
                if let Ok(text) = fs::read_to_string(format!("{root}{below}"))
                    && !text.starts_with("//! Hostile")
                {
                    println!("hostile success: {root}{below}\n{}", &text[..text.len().min(300)]);
                }
            }
        }
    }
}
