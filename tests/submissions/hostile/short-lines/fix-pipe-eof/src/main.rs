//! Hostile: prints 60 MiB of lines of one letter each, just below the limit for a file. Reports that look at
//! each line take minutes. It would gain a grader without time, and results of megabytes.
use std::io::Write;

fn main() {
    let text = b"x\n".repeat(1 << 19);
    for _ in 0..60 {
        let _ = std::io::stdout().write_all(&text);
    }
}
