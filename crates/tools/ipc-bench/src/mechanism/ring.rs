//! The ring of this crate: no system call at all, or none while nobody sleeps.

use std::hint::black_box;
use std::io;
use std::sync::Arc;

use anyhow::Context;
use ipc_bench::memory::{HUGE, Shared};
use ipc_bench::ring::{Consumer, LINE, Producer, Ring, Waiting};
use nix::sys::mman::MapFlags;

use super::{End, Pair};

/// About this long a side looks before it sleeps; a sleep and a wake cost about as much.
const LOOKS: u32 = 2000;

/// Bytes of the ring that is larger than a second cache. A message is half of it at most.
pub const LARGE: usize = 4 << 20;

struct Side {
    input: Consumer,
    output: Producer,
}

pub fn spinning(size: usize) -> anyhow::Result<Pair> {
    open(size, Waiting::Spin)
}

pub fn sleeping(size: usize) -> anyhow::Result<Pair> {
    open(size, Waiting::SpinThenSleep(LOOKS))
}

fn open(size: usize, waiting: Waiting) -> anyhow::Result<Pair> {
    // Room for many messages, but in the cache if they are short.
    let bytes = (size * 8).next_power_of_two().max(256 * 1024);
    of_size(bytes, waiting, MapFlags::empty())
}

pub fn large(_size: usize) -> anyhow::Result<Pair> {
    of_size(LARGE, Waiting::Spin, MapFlags::empty())
}

/// In pages of 2 MiB: four megabytes are 2 entries of the processor's table of pages, not 1,024.
pub fn huge(_size: usize) -> anyhow::Result<Pair> {
    let pages = 2 * Ring::memory_for(LARGE).div_ceil(HUGE);
    of_size(LARGE, Waiting::Spin, MapFlags::MAP_HUGETLB).with_context(|| {
        format!("{pages} huge pages (as root: echo {pages} > /proc/sys/vm/nr_hugepages)")
    })
}

pub fn in_place(_size: usize) -> anyhow::Result<Pair> {
    let [ours, theirs] = sides(LARGE, Waiting::Spin, MapFlags::empty())?;
    Ok(Pair::new(InPlace(ours), InPlace(theirs)))
}

fn of_size(bytes: usize, waiting: Waiting, flags: MapFlags) -> anyhow::Result<Pair> {
    let [ours, theirs] = sides(bytes, waiting, flags)?;
    Ok(Pair::new(ours, theirs))
}

fn sides(bytes: usize, waiting: Waiting, flags: MapFlags) -> anyhow::Result<[Side; 2]> {
    let (one, two) = (ring(bytes, flags)?, ring(bytes, flags)?);
    let side = |from: &Arc<Ring>, to: &Arc<Ring>| Side {
        input: from.consumer(waiting),
        output: to.producer(waiting),
    };
    Ok([side(&one, &two), side(&two, &one)])
}

fn ring(bytes: usize, flags: MapFlags) -> anyhow::Result<Arc<Ring>> {
    let memory = Shared::anonymous(Ring::memory_for(bytes), flags | MapFlags::MAP_POPULATE)?;
    Ok(Arc::new(Ring::new(memory, bytes)?))
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

/// Streams messages that are made in the ring and read there. One byte of each cache line is written and
/// read, so that all of them do go from one processor to the other.
struct InPlace(Side);

impl End for InPlace {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.0.send(message)
    }

    fn receive(&mut self, message: &mut [u8]) -> io::Result<()> {
        self.0.receive(message)
    }

    fn send_all(&mut self, message: &[u8], count: u64) -> anyhow::Result<()> {
        for _ in 0..count {
            let mut room = self.0.output.room(message.len());
            for line in room.bytes().chunks_mut(LINE) {
                line[0] = message[0];
            }
            room.send();
        }
        Ok(())
    }

    fn receive_all(&mut self, message: &mut [u8], last: u8, answer: bool) -> anyhow::Result<u64> {
        let mut received = 0;
        loop {
            let here = self.0.input.message();
            black_box(here.chunks(LINE).fold(0, |sum, line| sum ^ line[0]));
            if here[0] == last {
                return Ok(received);
            }
            received += 1;
            drop(here);
            if answer {
                self.send(message).context("send")?;
            }
        }
    }
}
