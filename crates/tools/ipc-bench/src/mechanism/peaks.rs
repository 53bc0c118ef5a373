//! The same mechanisms driven further, and what that gives up.

use std::fs::File;
use std::io::{self, Read, Write};

use anyhow::Context;
use nix::fcntl::{FcntlArg, fcntl};
use nix::unistd::pipe;

use super::stream::streams;
use super::{End, Kind, Mechanism, Pair, kernel, ring, splice, zerocopy};

/// A mechanism of `--peaks`, the row to compare it with, and its price.
pub struct Peak {
    pub mechanism: Mechanism,
    pub than: &'static str,
    pub gives_up: &'static str,
    /// What was seen while it was measured.
    pub seen: Option<fn() -> String>,
}

/// All of them; one way only, for none of them makes an answer come sooner.
pub static PEAKS: &[Peak] = &[
    Peak {
        mechanism: kernel("pipe-1MiB", Kind::Pipes, large),
        than: "pipe",
        gives_up: "1 MiB of kernel memory a pipe (F_SETPIPE_SZ), of which a user has 16,384 pages in all",
        seen: None,
    },
    Peak {
        mechanism: kernel("pipe-batch", Kind::Pipes, batched),
        than: "pipe",
        gives_up: "a message waits for 63 others before it is written",
        seen: None,
    },
    Peak {
        mechanism: kernel("pipe-pages", Kind::Pipes, splice::open),
        than: "pipe",
        gives_up: "the sender may not touch a page before it is read, and the receiver (vmsplice, \
                   splice to /dev/null) passes on what it does not see",
        seen: None,
    },
    Peak {
        mechanism: Mechanism {
            spins: true,
            busy_calls: 0,
            max: || Some(ring::LARGE / 2),
            ..kernel("ring-4MiB", Kind::SharedMemory, ring::large)
        },
        than: "ring-spin",
        gives_up: "4 MiB each way, more than a processor's second cache holds",
        seen: None,
    },
    Peak {
        mechanism: Mechanism {
            spins: true,
            busy_calls: 0,
            max: || Some(ring::LARGE / 2),
            ..kernel("ring-huge", Kind::SharedMemory, ring::huge)
        },
        than: "ring-4MiB",
        gives_up: "pages of 2 MiB, which root has to set aside",
        seen: None,
    },
    Peak {
        mechanism: Mechanism {
            spins: true,
            busy_calls: 0,
            max: || Some(ring::LARGE / 2),
            ..kernel("ring-in-place", Kind::SharedMemory, ring::in_place)
        },
        than: "ring-4MiB",
        gives_up: "a message is made in the ring and used there, and its room is free only then (here \
                   one byte of each cache line is written and read)",
        seen: None,
    },
    Peak {
        mechanism: kernel("tcp-zerocopy", Kind::NetworkSockets, zerocopy::open),
        than: "tcp",
        gives_up: "the sender may not touch a message before the kernel says that it is done (MSG_ZEROCOPY)",
        seen: Some(zerocopy::completions),
    },
];

fn large(_size: usize) -> anyhow::Result<Pair> {
    let sized = || {
        let (read, write) = pipe().context("pipe")?;
        // More than /proc/sys/fs/pipe-max-size is for root alone.
        fcntl(&write, FcntlArg::F_SETPIPE_SZ(1 << 20)).context("fcntl F_SETPIPE_SZ 1 MiB")?;
        Ok((read.into(), write.into()))
    };
    streams(sized)
}

const BATCH: usize = 64;

/// Collects messages for one write, and takes as many as there are with one read.
struct Batched {
    input: File,
    output: File,
    collected: Vec<u8>,
    read: Vec<u8>,
    /// What of `read` has arrived and not been given out: from, to.
    there: (usize, usize),
}

fn batched(size: usize) -> anyhow::Result<Pair> {
    let (to_us, from_them) = pipe().context("pipe")?;
    let (to_them, from_us) = pipe().context("pipe")?;
    let side = |input: File, output: File| Batched {
        input,
        output,
        collected: Vec::with_capacity(BATCH * size),
        read: vec![0; BATCH * size],
        there: (0, 0),
    };
    Ok(Pair::new(
        side(to_us.into(), from_us.into()),
        side(to_them.into(), from_them.into()),
    ))
}

impl End for Batched {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.collected.extend_from_slice(message);
        if self.collected.len() < self.collected.capacity() {
            return Ok(());
        }
        self.flush()
    }

    fn receive(&mut self, message: &mut [u8]) -> io::Result<()> {
        while self.there.1 - self.there.0 < message.len() {
            // What is left of a message goes to the front, and the next read behind it.
            self.read.copy_within(self.there.0..self.there.1, 0);
            self.there = (0, self.there.1 - self.there.0);
            match self.input.read(&mut self.read[self.there.1..])? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                more => self.there.1 += more,
            }
        }
        let end = self.there.0 + message.len();
        message.copy_from_slice(&self.read[self.there.0..end]);
        self.there.0 = end;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.write_all(&self.collected)?;
        self.collected.clear();
        Ok(())
    }
}
