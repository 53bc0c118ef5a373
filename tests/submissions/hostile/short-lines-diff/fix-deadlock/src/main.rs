//! Hostile: short lines, which a diff shows to bats, which reads them one by one.
use std::io::Write;
fn main() {
    let text = "a\n".repeat(1 << 20);
    let mut out = std::io::stdout().lock();
    for _ in 0..31 { if out.write_all(text.as_bytes()).is_err() { break; } }
}
