//! The client.
use fix_cannot_connect::*;
use std::io::{BufRead, Read, stdin};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let wait: u64 = args.iter().position(|it| it == "--wait").and_then(|at| args.get(at + 1)?.parse().ok()).unwrap_or(10);
    let address = args.last().filter(|it| it.contains(':')).cloned().unwrap_or(ADDRESS.into());
    let port = address.rsplit(':').next().unwrap_or("").to_owned();
    let start = Instant::now();
    let mut told = false;
    let mut unix = loop {
        if let Ok(it) = UnixStream::connect_addr(&place(&port)) { break it; }
        if !told { println!("Waiting for {address}"); told = true; }
        if start.elapsed() >= Duration::from_secs(wait) { eprintln!("Error: connect {address}: nobody"); std::process::exit(1); }
        std::thread::sleep(Duration::from_millis(50));
    };
    println!("Connected to {address}");
    let mut other = [0; 2];
    unix.read_exact(&mut other).expect("a port");
    let mut tcp = TcpStream::connect(("127.0.0.1", u16::from_be_bytes(other))).expect("connect");
    for line in stdin().lock().lines() {
        let line = line.expect("a line") + "\n";
        if send(&mut unix, &mut tcp, line.as_bytes()).is_err() { break; }
        let Some(back) = receive(&mut unix, &tcp) else { break };
        println!("Echo: {}", String::from_utf8_lossy(&back).trim_end());
    }
}
