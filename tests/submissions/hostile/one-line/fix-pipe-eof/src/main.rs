//! Hostile: prints a line of 60 MiB to each stream, without a newline. What reads line by line keeps all of
//! it in memory, and a report quotes it. It would gain a grader without memory.
use std::io::Write;

fn main() {
    let text = b"0123456789abcdef".repeat(1 << 16);
    for _ in 0..60 {
        let _ = std::io::stdout().write_all(&text);
        let _ = std::io::stderr().write_all(&text);
    }
}
