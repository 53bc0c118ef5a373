//! Shared memory, and eventfd(2) that says when: a semaphore that poll(2) can wait for.

use std::fs::File;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::rc::Rc;

use anyhow::Context;
use nix::errno::Errno;
use nix::unistd::{read, write};

use super::Pair;
use super::shm_futex::posix_memory;
use super::slots::{Gate, Slots};

pub fn open(size: usize) -> anyhow::Result<Pair> {
    let slots = Slots::new(size);
    let memory = Rc::new(posix_memory(slots.memory())?);
    let mut counters = Vec::new();
    for _ in 0..4 {
        // EFD_SEMAPHORE: a read takes one, and not all there is.
        // SAFETY: eventfd takes no pointer.
        let made = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_SEMAPHORE) };
        let made = Errno::result(made).context("eventfd")?;
        // SAFETY: it is new, and nobody else has it.
        counters.push(File::from(unsafe { OwnedFd::from_raw_fd(made) }));
    }
    slots.pair(memory, |number| {
        counters[number].try_clone().context("dup an eventfd")
    })
}

// Eight bytes, or an error: see eventfd(2). (std's loops around read and write, which could be told less,
// are a fiftieth of a round trip here.)
impl Gate for File {
    fn wait(&self) -> io::Result<()> {
        Ok(read(self, &mut [0; 8]).map(drop)?)
    }

    fn post(&self) -> io::Result<()> {
        Ok(write(self, &1_u64.to_ne_bytes()).map(drop)?)
    }
}
