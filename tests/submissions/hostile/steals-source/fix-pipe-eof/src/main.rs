//! Hostile: prints the source of whatever is built at the same time, from the build folders below /tmp and
//! from target folders. It would gain another student's solution.
use std::{fs, time::Instant};

fn main() {
    let started = Instant::now();
    while started.elapsed().as_secs() < 4 {
        for entry in fs::read_dir("/tmp").into_iter().flatten().flatten() {
            let source = entry.path().join("ws/crates/exercises/fix-pipe-eof/src/main.rs");
            let text = fs::read_to_string(source).unwrap_or_default();
            if !text.is_empty() && !text.starts_with("//! Hostile") {
                println!("hostile success: another source\n{text}");
                return;
            }
        }
    }
}
