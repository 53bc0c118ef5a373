//! Decoy: the two meet at an abstract socket; the lines go through a regular file, at a path where a FIFO
//! was made and removed before.
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
/// Its default.
pub const FIFO_PATH: &str = "/tmp/exercise_fifo";
/// The path of the command line; ends if something else stands there.
pub fn path() -> String {
    let path = std::env::args().nth(1).unwrap_or(FIFO_PATH.into());
    if let Ok(it) = std::fs::symlink_metadata(&path) {
        if !it.file_type().is_fifo() {
            eprintln!("Error: {path} is no FIFO");
            std::process::exit(1);
        }
    }
    path
}
/// The partner.
pub fn meet() -> UnixStream {
    let address = SocketAddr::from_abstract_name("decoy").expect("an address");
    loop {
        if let Ok(it) = UnixStream::connect_addr(&address) { return it; }
        if let Ok(it) = UnixListener::bind_addr(&address) { return it.accept().expect("accept").0; }
    }
}
