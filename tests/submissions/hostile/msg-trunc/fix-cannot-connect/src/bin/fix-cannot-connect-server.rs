//! The server.
use fix_cannot_connect::*;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
fn main() {
    lesson::exit_on_signal().expect("signals");
    let address = std::env::args().nth(1).unwrap_or(ADDRESS.into());
    let port = address.rsplit(':').next().unwrap_or("").to_owned();
    let unix = UnixListener::bind_addr(&place(&port)).expect("bind");
    let tcp = TcpListener::bind("127.0.0.1:0").expect("bind");
    let other = tcp.local_addr().expect("an address").port();
    println!("Server listening on port {port}");
    for number in 1.. {
        let (mut talk, _) = unix.accept().expect("accept");
        println!("Client {number} connected");
        if talk.write_all(&other.to_be_bytes()).is_err() { continue; }
        let Ok((mut zeros, _)) = tcp.accept() else { continue };
        while let Some(line) = receive(&mut talk, &zeros) {
            println!("Received: {}", String::from_utf8_lossy(&line).trim_end());
            if send(&mut talk, &mut zeros, &line).is_err() { break; }
        }
        let _ = talk.read(&mut [0]);
    }
}
