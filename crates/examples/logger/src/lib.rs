//! What the service and its applications agree on: the path, and what a line is.

mod claim;
mod journal;
mod name;

pub use claim::Claim;
pub use journal::Journal;
pub use name::Name;

use std::fs::File;

use anyhow::Context;
use nix::fcntl::{FcntlArg, OFlag, fcntl};

/// Where the service and the applications meet when no --fifo is given.
pub const FIFO_PATH: &str = "/tmp/logpipe";

/// The longest message in bytes. With its newline that makes PIPE_BUF, the most that write(2)
/// puts into a pipe in one piece, however many others write at the same time: see pipe(7).
pub const LONGEST: usize = libc::PIPE_BUF - 1;

/// What a message that was too long ends in.
pub const CUT: &[u8] = b" [cut]";

/// Cuts a message that is too long to [`LONGEST`] bytes, [`CUT`] included.
pub fn cut(message: &mut Vec<u8>) {
    let mut end = LONGEST - CUT.len();
    // Not in the middle of a UTF-8 character: all its bytes but the first look like 10xxxxxx.
    while end > 0 && message[end] & 0b1100_0000 == 0b1000_0000 {
        end -= 1;
    }
    message.truncate(end);
    message.extend_from_slice(CUT);
}

/// Takes O_NONBLOCK away again, which both programs need for open(2) alone: see fcntl(2).
///
/// # Errors
/// When the descriptor has no such flag to change.
pub fn make_blocking(file: &File) -> anyhow::Result<()> {
    let flags = fcntl(file, FcntlArg::F_GETFL).context("fcntl F_GETFL")?;
    let flags = OFlag::from_bits_retain(flags) - OFlag::O_NONBLOCK;
    fcntl(file, FcntlArg::F_SETFL(flags)).context("fcntl F_SETFL")?;
    Ok(())
}
