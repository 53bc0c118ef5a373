//! read(2) and write(2) may move fewer bytes than they were asked for, or none because a signal
//! came first. These two go on until all has been moved.

#[cfg(test)]
mod tests;

use std::error::Error;
use std::fmt;
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::unistd::{read, write};

/// Reads until `buffer` is full or the stream ends, and says how many bytes came: fewer than the
/// buffer takes means end-of-file, and nothing else does.
///
/// # Errors
/// What read(2) fails with, EINTR apart; the bytes that came before are in the buffer.
pub fn read_all(from: impl AsFd, buffer: &mut [u8]) -> Result<usize, Stopped> {
    let mut moved = 0;
    while moved < buffer.len() {
        match read(&from, &mut buffer[moved..]) {
            Ok(0) => break,
            Ok(came) => moved += came,
            // A signal came before the first byte: nothing has happened, so ask again.
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(Stopped::new(moved, Some(errno))),
        }
    }
    Ok(moved)
}

/// Writes all of `bytes`: there is no short count, since a stream never has an end for its writer.
///
/// # Errors
/// What write(2) fails with, EINTR apart: EPIPE if nobody can read any more.
pub fn write_all(to: impl AsFd, bytes: &[u8]) -> Result<(), Stopped> {
    let mut moved = 0;
    while moved < bytes.len() {
        match write(&to, &bytes[moved..]) {
            // Neither progress nor a reason: trying again might never end.
            Ok(0) => return Err(Stopped::new(moved, None)),
            Ok(taken) => moved += taken,
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(Stopped::new(moved, Some(errno))),
        }
    }
    Ok(())
}

/// Not all was moved, and why. -1, as in C, would not tell what the partner has got already.
#[derive(Debug, PartialEq, Eq)]
pub struct Stopped {
    /// How many bytes were moved before.
    pub moved: usize,
    /// The error; `None` if write(2) returned 0.
    pub errno: Option<Errno>,
}

impl Stopped {
    fn new(moved: usize, errno: Option<Errno>) -> Self {
        Self { moved, errno }
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stopped after {} bytes: ", self.moved)?;
        match self.errno {
            Some(errno) => write!(f, "{errno}"),
            None => f.write_str("write returned 0"),
        }
    }
}

impl Error for Stopped {}
