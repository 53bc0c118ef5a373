//! msgsnd(2) and msgrcv(2): one queue, and a message type for each direction.

use std::io;
use std::ptr;

use ipc_bench::ring::LINE;
use libc::{c_int, c_long, c_void};
use sysv_msgq::Queue;

use super::{End, Pair, Remove};

struct Side {
    queue: c_int,
    sends: c_long,
    receives: c_long,
    /// In it a message as the calls want it: its type, then its bytes.
    buffer: Vec<c_long>,
    /// Where the bytes begin: on a cache line, as the type before them does not.
    text: usize,
}

const TYPE: usize = size_of::<c_long>();

pub fn open(size: usize) -> anyhow::Result<Pair> {
    let queue = Queue::private()?;
    let side = |sends, receives| {
        let buffer = vec![0; 2 * LINE / TYPE + size.div_ceil(TYPE)];
        let text = 1 + buffer[1..].as_ptr().align_offset(LINE);
        Side {
            queue: queue.id(),
            sends,
            receives,
            buffer,
            text,
        }
    };
    let mut pair = Pair::new(side(1, 2), side(2, 1));
    pair.remove = Some(Remove::Queue(queue.id()));
    Ok(pair)
}

/// The kernel's own limit, /proc/sys/kernel/msgmax.
pub fn max() -> Option<usize> {
    number("/proc/sys/kernel/msgmax")
}

/// The number in a file of /proc.
pub fn number(path: &str) -> Option<usize> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

impl Side {
    fn text(&mut self, length: usize) -> *mut u8 {
        assert!(
            length <= (self.buffer.len() - self.text) * TYPE,
            "the buffer is too small"
        );
        self.buffer[self.text..].as_mut_ptr().cast()
    }

    /// The message: a type and room for the bytes.
    fn message(&mut self) -> *mut c_void {
        self.buffer[self.text - 1..].as_mut_ptr().cast()
    }
}

impl End for Side {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let text = self.text(message.len());
        // SAFETY: the buffer has room for that many bytes behind the type, as `text` has checked.
        unsafe { ptr::copy_nonoverlapping(message.as_ptr(), text, message.len()) };
        self.buffer[self.text - 1] = self.sends;
        let whole = self.message();
        // SAFETY: it is a type and that many bytes.
        retry(|| unsafe { libc::msgsnd(self.queue, whole, message.len(), 0) })
    }

    fn receive(&mut self, message: &mut [u8]) -> io::Result<()> {
        let text = self.text(message.len()).cast_const();
        let into = self.message();
        retry(|| {
            // SAFETY: the buffer has room for a type and that many bytes.
            let got = unsafe { libc::msgrcv(self.queue, into, message.len(), self.receives, 0) };
            if got < 0 { -1 } else { 0 }
        })?;
        // SAFETY: as above, and they have just been filled.
        unsafe { ptr::copy_nonoverlapping(text, message.as_mut_ptr(), message.len()) };
        Ok(())
    }
}

/// A signal handler that returns ends a sleeping msgsnd and msgrcv, even with SA_RESTART: see signal(7).
fn retry(mut call: impl FnMut() -> c_int) -> io::Result<()> {
    while call() < 0 {
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    Ok(())
}
