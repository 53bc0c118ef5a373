//! Hostile: prints NULs, bytes that are no UTF-8, carriage returns and control characters, 1 MiB of them.
//! It would gain a results.json that no parser reads, or a page that cannot be shown.
use std::io::Write;

fn main() {
    let bytes: Vec<u8> = (0..1 << 20).map(|number: u32| (number * 7 % 256) as u8).collect();
    let _ = std::io::stdout().write_all(&bytes);
    let _ = std::io::stderr().write_all(b"\xff\xfe\0\r\x1b[2J\xf0\x9f\n\xed\xa0\x80\n");
}
