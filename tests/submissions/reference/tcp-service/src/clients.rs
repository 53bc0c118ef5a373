//! Who is connected, so that the end of the server reaches every conversation.

use std::collections::HashMap;
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The sockets of all clients, by their descriptors.
#[derive(Default)]
pub struct Clients {
    inside: Mutex<Inside>,
    left: Condvar,
}

#[derive(Default)]
struct Inside {
    sockets: HashMap<RawFd, Arc<TcpStream>>,
    closed: bool,
}

impl Clients {
    /// Takes a new client in; `None` once the server is closed.
    pub fn enter(&self, socket: TcpStream) -> Option<Arc<TcpStream>> {
        let mut inside = self.lock();
        if inside.closed {
            return None;
        }
        let (number, socket) = (socket.as_raw_fd(), Arc::new(socket));
        inside.sockets.insert(number, Arc::clone(&socket));
        Some(socket)
    }

    /// Closes the client's socket, of which this is the last reference.
    pub fn leave(&self, number: RawFd) {
        self.lock().sockets.remove(&number);
        self.left.notify_all();
    }

    /// No client enters any more, and those who are there are heard out: a read returns what has come
    /// until now, and then end-of-file. They can still be written to.
    pub fn close(&self) {
        let mut inside = self.lock();
        inside.closed = true;
        for socket in inside.sockets.values() {
            let _ = socket.shutdown(Shutdown::Read); // ENOTCONN: the client was first.
        }
    }

    /// Whether `close` has been called.
    pub fn closed(&self) -> bool {
        self.lock().closed
    }

    /// Sleeps until nobody is connected, but no longer than that.
    pub fn wait_until_all_left(&self, at_most: Duration) {
        let some = |inside: &mut Inside| !inside.sockets.is_empty();
        drop(self.left.wait_timeout_while(self.lock(), at_most, some));
    }

    /// Sleeps until a client leaves, but no longer than that.
    pub fn wait_until_one_leaves(&self, at_most: Duration) {
        drop(self.left.wait_timeout(self.lock(), at_most));
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
