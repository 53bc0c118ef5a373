//! The reader.
use fix_fifo_open::{meet, path};
use std::io::Read;
fn main() {
    let path = path();
    let mut partner = meet();
    let mut go = [0; 2];
    if partner.read_exact(&mut go).is_err() { return; }
    let text = std::fs::read_to_string(&path).expect("read");
    let _ = std::fs::remove_file(&path);
    for line in text.lines() { println!("Received: {line}"); }
    println!("Read: {} lines", text.lines().count());
}
