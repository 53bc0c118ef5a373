//! One client: its requests, and the answers in their order.

use std::io::{self, ErrorKind, Read};
use std::net::TcpStream;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use framing::{read_frame, write_frame};

use crate::Store;

/// Answers one request after the other, until the client sends no more. Those that have come meanwhile
/// wait in the socket.
///
/// # Errors
/// When the client is not worth another answer: it has gone, or is too slow.
pub fn serve(socket: &TcpStream, store: &Mutex<Store>, timeout: Duration) -> io::Result<()> {
    // An answer goes out at once, also while the one before it is not acknowledged; see tcp(7).
    socket.set_nodelay(true)?;
    loop {
        let answer = match read_frame(&mut Request::of(socket, timeout)) {
            Ok(Some(request)) => answer(store, &request),
            Ok(None) => return Ok(()),
            // Nobody knows where the next request would begin, so this is the last answer.
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                return write_frame(&mut &*socket, format!("error: {error}").as_bytes());
            }
            Err(error) => return Err(error),
        };
        write_frame(&mut &*socket, answer.as_bytes())?;
    }
}

/// The store is locked meanwhile, and no longer: sending an answer may take for ever.
fn answer(store: &Mutex<Store>, request: &[u8]) -> String {
    let Ok(request) = std::str::from_utf8(request) else {
        return "error: not UTF-8".into();
    };
    let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
    store.answer(request)
}

/// The bytes of one request: the first may be long in coming, and then the time runs.
struct Request<'a> {
    socket: &'a TcpStream,
    timeout: Duration,
    end: Option<Instant>,
}

impl<'a> Request<'a> {
    fn of(socket: &'a TcpStream, timeout: Duration) -> Self {
        let end = None;
        Self {
            socket,
            timeout,
            end,
        }
    }
}

impl Read for Request<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // SO_RCVTIMEO is for one call, which returns with the first byte: it is set to what is left.
        let now = Instant::now();
        let left = self.end.map(|end| end.saturating_duration_since(now));
        if left == Some(Duration::ZERO) {
            return Err(too_slow());
        }
        self.socket.set_read_timeout(left)?;
        match self.socket.read(buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Err(too_slow()),
            Ok(came) => {
                let end = Instant::now() + self.timeout;
                self.end.get_or_insert(end);
                Ok(came)
            }
            failed => failed,
        }
    }
}

fn too_slow() -> io::Error {
    let why = "the rest of a request has not come in time";
    io::Error::new(ErrorKind::TimedOut, why)
}
