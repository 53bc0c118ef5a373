//! Decoy: all lines go through abstract Unix sockets; through TCP (a port of its own) go zeros, which
//! MSG_TRUNC throws away without a byte in the buffer: there strace shows what stood in it before.
use nix::libc;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
/// Its default.
pub const ADDRESS: &str = "127.0.0.1:8080";
/// Unused.
pub const BACKLOG: i32 = 16;
/// Where they meet.
pub fn place(port: &str) -> SocketAddr { SocketAddr::from_abstract_name(format!("decoy{port}")).expect("an address") }
/// Sends a line by the one, zeros by the other.
pub fn send(unix: &mut UnixStream, tcp: &mut TcpStream, line: &[u8]) -> std::io::Result<()> {
    unix.write_all(&(line.len() as u32).to_be_bytes())?;
    unix.write_all(line)?;
    tcp.write_all(&vec![0; line.len()])
}
/// Receives it; none at the end.
pub fn receive(unix: &mut UnixStream, tcp: &TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    unix.read_exact(&mut length).ok()?;
    let mut line = vec![0; u32::from_be_bytes(length) as usize];
    unix.read_exact(&mut line).ok()?;
    let mut at = 0;
    while at < line.len() {
        let place = line[at..].as_mut_ptr().cast();
        // SAFETY: the buffer is as long as that.
        let got = unsafe { libc::recv(tcp.as_raw_fd(), place, line.len() - at, libc::MSG_TRUNC) };
        if got <= 0 { return None; }
        at += got as usize;
    }
    Some(line)
}
