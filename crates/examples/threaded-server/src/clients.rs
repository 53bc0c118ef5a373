//! Who is connected: so that a signal reaches every conversation, and a full server knows when
//! there is room again.

use std::collections::HashMap;
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The sockets of all live clients, by number: the descriptor, as in the tutorial.
#[derive(Default)]
pub struct Clients {
    inside: Mutex<Inside>,
    news: Condvar,
}

#[derive(Default)]
struct Inside {
    sockets: HashMap<RawFd, Arc<TcpStream>>,
    closed: bool,
    /// Counts what a waiting thread wants to know: clients that left, and the end.
    news: usize,
}

impl Clients {
    /// Takes a new client in; `None` once the server is closed.
    pub fn enter(&self, socket: TcpStream) -> Option<Arc<TcpStream>> {
        let mut inside = self.lock();
        if inside.closed {
            return None;
        }
        let socket = Arc::new(socket);
        inside
            .sockets
            .insert(socket.as_raw_fd(), Arc::clone(&socket));
        Some(socket)
    }

    /// Closes the client's socket: its thread has dropped its own reference, so this is the last.
    pub fn leave(&self, number: RawFd) {
        let mut inside = self.lock();
        drop(inside.sockets.remove(&number));
        inside.news += 1;
        self.news.notify_all();
    }

    /// Ends every conversation: shutdown(2) wakes a thread that is blocked in read(2), which
    /// returns 0, or in write(2), which fails with EPIPE. close(2) would wake nobody.
    pub fn close(&self) {
        let mut inside = self.lock();
        inside.closed = true;
        for socket in inside.sockets.values() {
            let _ = socket.shutdown(Shutdown::Both); // ENOTCONN: the client was first.
        }
        inside.news += 1;
        self.news.notify_all();
    }

    /// Whether `close` has been called.
    pub fn closed(&self) -> bool {
        self.lock().closed
    }

    /// Sleeps until a client leaves or the server is closed; false if that takes longer.
    pub fn wait_for_news(&self, at_most: Duration) -> bool {
        let inside = self.lock();
        let known = inside.news;
        let waited = self
            .news
            .wait_timeout_while(inside, at_most, |now| now.news == known);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
