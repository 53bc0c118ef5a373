//! The client: prints what the server has written into a file.
use std::{fs, io::Write};

fn main() {
    println!("{}", fs::read_to_string("line").unwrap_or_default());
    let clients = fs::File::options().append(true).open("clients");
    let _ = clients.and_then(|mut file| file.write_all(b"."));
}
