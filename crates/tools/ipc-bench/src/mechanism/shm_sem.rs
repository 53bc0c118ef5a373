//! POSIX shared memory, and POSIX semaphores in it: see sem_overview(7).

use std::io;
use std::rc::Rc;

use anyhow::Context;
use nix::errno::Errno;

use super::Pair;
use super::shm_futex::posix_memory;
use super::slots::{Gate, Slots};

struct Semaphore(*mut libc::sem_t);

pub fn open(size: usize) -> anyhow::Result<Pair> {
    let slots = Slots::new(size);
    let memory = Rc::new(posix_memory(slots.memory())?);
    for number in 0..4 {
        let place = slots.place(&*memory, number).cast();
        // SAFETY: the place has 64 bytes, a sem_t has 32; 1: processes share it.
        Errno::result(unsafe { libc::sem_init(place, 1, 0) }).context("sem_init")?;
    }
    slots.pair(memory.clone(), |number| {
        Ok(Semaphore(slots.place(&*memory, number).cast()))
    })
}

impl Gate for Semaphore {
    fn wait(&self) -> io::Result<()> {
        loop {
            // SAFETY: the semaphore lies in memory that each side keeps mapped.
            match Errno::result(unsafe { libc::sem_wait(self.0) }) {
                Err(Errno::EINTR) => {}
                result => return Ok(result.map(drop)?),
            }
        }
    }

    fn post(&self) -> io::Result<()> {
        // SAFETY: as above.
        Ok(Errno::result(unsafe { libc::sem_post(self.0) }).map(drop)?)
    }
}
