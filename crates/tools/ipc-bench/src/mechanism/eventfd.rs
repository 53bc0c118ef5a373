//! Shared memory, and eventfd(2) that says when: a semaphore that poll(2) can wait for.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::rc::Rc;

use anyhow::Context;
use nix::errno::Errno;

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

impl Gate for File {
    fn wait(&self) -> io::Result<()> {
        let mut file = self;
        file.read_exact(&mut [0; 8])
    }

    fn post(&self) -> io::Result<()> {
        let mut file = self;
        file.write_all(&1_u64.to_ne_bytes())
    }
}
