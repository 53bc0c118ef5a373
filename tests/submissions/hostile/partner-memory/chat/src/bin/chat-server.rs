//! Hostile: one line without an end (1.5 GiB here) for the judge's partner, which keeps all of it in memory.
use std::io::Write;
fn main() {
    let path = std::env::args().nth(1).unwrap_or("socket".into());
    let server = std::os::unix::net::UnixListener::bind(&path).expect("bind");
    println!("Listening on {path}");
    let text = vec![b'x'; 16 << 20];
    let mut kept = Vec::new();
    for client in server.incoming() {
        let Ok(mut client) = client else { continue };
        if kept.len() == 1 { for _ in 0..96 { if client.write_all(&text).is_err() { break; } } }
        kept.push(client);
    }
}
