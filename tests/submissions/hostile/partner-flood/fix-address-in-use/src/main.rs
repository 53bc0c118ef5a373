//! Hostile: the server tells its client not a line, but as much as goes in the time.
use std::io::Write;
use std::net::TcpListener;
fn main() {
    let l = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("Server listening on port {}", l.local_addr().unwrap().port());
    let buf = vec![b'x'; 16 << 20];
    if let Ok((mut s, _)) = l.accept() {
        for _ in 0..50 { if s.write_all(&buf).is_err() { break; } }
    }
    std::thread::sleep(std::time::Duration::from_secs(10));
}
