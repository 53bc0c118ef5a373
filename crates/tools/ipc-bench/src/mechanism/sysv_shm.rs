//! System V shared memory, and System V semaphores that say when.

use std::io;
use std::rc::Rc;

use anyhow::Context;
use sysv_sem::Semaphores;
use sysv_shm::Segment;

use super::slots::{Gate, Slots};
use super::{Pair, Remove};

struct Semaphore {
    set: Semaphores,
    number: u16,
}

pub fn open(size: usize) -> anyhow::Result<Pair> {
    let slots = Slots::new(size);
    let segment = Segment::create(libc::IPC_PRIVATE, slots.memory())?;
    let segment = segment.context("shmget IPC_PRIVATE")?;
    // It goes with the last process that has it attached.
    let attached = segment.attach();
    segment.remove()?;
    let set = Semaphores::private(&[0; 4])?;
    let gate = |number| {
        let number = number as u16;
        Ok(Semaphore { set, number })
    };
    let mut pair = slots.pair(Rc::new(attached?), gate)?;
    pair.remove = Some(Remove::Semaphores(set.id()));
    Ok(pair)
}

impl Gate for Semaphore {
    fn wait(&self) -> io::Result<()> {
        self.set.p(self.number).map_err(io::Error::other)
    }

    fn post(&self) -> io::Result<()> {
        self.set.v(self.number).map_err(io::Error::other)
    }
}
