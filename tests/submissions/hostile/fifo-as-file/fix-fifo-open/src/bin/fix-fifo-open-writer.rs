//! The writer.
use fix_fifo_open::{meet, path};
use std::io::{Read, Write, stdin};
fn main() {
    let path = path();
    let mut partner = meet();
    let mut text = Vec::new();
    stdin().read_to_end(&mut text).expect("read");
    let _ = std::fs::remove_file(&path);
    let _ = nix::unistd::mkfifo(path.as_str(), nix::sys::stat::Mode::from_bits_truncate(0o600));
    let _ = std::fs::remove_file(&path);
    let mut file = std::fs::File::create(&path).expect("create");
    file.write_all(&text).expect("write");
    drop(file);
    partner.write_all(b"go").expect("write");
    let mut end = [0];
    let _ = partner.read(&mut end);
    println!("Written: {} lines", text.iter().filter(|it| **it == b'\n').count());
}
