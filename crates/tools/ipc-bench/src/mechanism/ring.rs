//! The ring of this crate: no system call at all, or none while nobody sleeps.

use std::io;

use ipc_bench::memory::Shared;
use ipc_bench::ring::{Consumer, Producer, Ring, Waiting};
use nix::sys::mman::MapFlags;

use super::{End, Pair};

/// About this long a side looks before it sleeps; a sleep and a wake cost about as much.
const LOOKS: u32 = 2000;

struct Side {
    input: Consumer<'static>,
    output: Producer<'static>,
}

pub fn spinning(size: usize) -> anyhow::Result<Pair> {
    open(size, Waiting::Spin)
}

pub fn sleeping(size: usize) -> anyhow::Result<Pair> {
    open(size, Waiting::SpinThenSleep(LOOKS))
}

fn open(size: usize, waiting: Waiting) -> anyhow::Result<Pair> {
    // Room for many messages, but in the cache if they are short.
    of_size((size * 8).next_power_of_two().max(256 * 1024), waiting)
}

pub fn large(_size: usize) -> anyhow::Result<Pair> {
    of_size(8 << 20, Waiting::Spin)
}

fn of_size(bytes: usize, waiting: Waiting) -> anyhow::Result<Pair> {
    let (one, two) = (ring(bytes)?, ring(bytes)?);
    let ours = Side {
        input: one.consumer(waiting),
        output: two.producer(waiting),
    };
    let theirs = Side {
        input: two.consumer(waiting),
        output: one.producer(waiting),
    };
    Ok(Pair::new(ours, theirs))
}

/// It is never unmapped: the process that it was made for ends after its run.
fn ring(bytes: usize) -> anyhow::Result<&'static Ring> {
    let memory = Shared::anonymous(Ring::memory_for(bytes), MapFlags::MAP_POPULATE)?;
    Ok(Box::leak(Box::new(Ring::new(memory, bytes)?)))
}

impl End for Side {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.output.send(message);
        Ok(())
    }

    fn receive(&mut self, message: &mut [u8]) -> io::Result<()> {
        self.input.receive(message);
        Ok(())
    }
}
