//! Hostile: prints without end.
use std::io::Write;

fn main() {
    let text = [b'x'; 1 << 16];
    while std::io::stdout().write_all(&text).is_ok() {}
    loop {}
}
