//! Messages in slots of shared memory, and a semaphore of some kind that says how many there are.
//!
//! The sender sleeps on a second one, but only when all slots are full: it says so first, and looks once
//! more, so that the receiver's post cannot be missed (see ring/index.rs, which does the same).

use std::io;
use std::ptr;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

use ipc_bench::memory::Shared;
use sysv_shm::Attached;

use super::{End, Pair};

/// A semaphore: a number that is never below zero.
pub trait Gate {
    /// Sleeps until it is above zero, and takes one.
    fn wait(&self) -> io::Result<()>;
    /// Adds one.
    fn post(&self) -> io::Result<()>;
}

/// Memory that both processes have mapped at the same address.
pub trait Memory {
    fn start(&self) -> *mut u8;
}

impl Memory for Shared {
    fn start(&self) -> *mut u8 {
        self.start()
    }
}

impl Memory for Attached {
    fn start(&self) -> *mut u8 {
        self.address().cast_mut()
    }
}

const SLOTS: u64 = 8;

/// What a direction begins with; its slots follow. A page, so that they begin at one.
#[repr(C, align(4096))]
struct Head {
    sent: Padded<AtomicU64>,
    taken: Padded<AtomicU64>,
    sender_waits: Padded<AtomicU32>,
    /// Which message lies in the first slot: the others follow.
    first: Padded<AtomicU64>,
    /// Room for a semaphore that lies in memory: see [`Slots::place`].
    gates: [Padded<[AtomicU64; 8]>; 2],
}

#[repr(C, align(128))]
struct Padded<T>(T);

/// One direction, as one of its two processes sees it.
struct Direction<G> {
    memory: Rc<dyn Memory>,
    offset: usize,
    stride: usize,
    full: G,
    room: G,
    position: u64,
    /// As in the [`Head`]; of the sender.
    first: u64,
}

struct Side<G> {
    input: Direction<G>,
    output: Direction<G>,
}

/// The slots of both directions, for messages of one size.
pub struct Slots {
    stride: usize,
}

impl Slots {
    pub fn new(size: usize) -> Self {
        Self {
            stride: size.next_multiple_of(128),
        }
    }

    /// How much memory they need, filled with zeros.
    pub fn memory(&self) -> usize {
        2 * self.direction()
    }

    fn direction(&self) -> usize {
        (size_of::<Head>() + SLOTS as usize * self.stride).next_multiple_of(4096)
    }

    /// Where the semaphore of that number, 0 to 3, may lie in memory: 64 bytes.
    pub fn place(&self, memory: &dyn Memory, number: usize) -> *mut u8 {
        let offset = number / 2 * self.direction() + std::mem::offset_of!(Head, gates);
        // SAFETY: it lies inside of a Head inside of the memory.
        unsafe {
            memory
                .start()
                .add(offset + number % 2 * size_of::<Padded<[AtomicU64; 8]>>())
        }
    }

    /// Both sides; `gate` gives semaphore 0 to 3, at zero, to each of them.
    pub fn pair<G: Gate + 'static>(
        &self,
        memory: Rc<dyn Memory>,
        mut gate: impl FnMut(usize) -> anyhow::Result<G>,
    ) -> anyhow::Result<Pair> {
        let mut direction = |number: usize| -> anyhow::Result<_> {
            Ok(Direction {
                memory: Rc::clone(&memory),
                offset: number * self.direction(),
                stride: self.stride,
                full: gate(2 * number)?,
                room: gate(2 * number + 1)?,
                position: 0,
                first: 0,
            })
        };
        let mut side = |input, output| -> anyhow::Result<_> {
            Ok(Side {
                input: direction(input)?,
                output: direction(output)?,
            })
        };
        Ok(Pair::new(side(0, 1)?, side(1, 0)?))
    }
}

impl<G: Gate> Direction<G> {
    fn head(&self) -> &Head {
        // SAFETY: a Head lies at the start of each direction, aligned to a page, and is atomics alone.
        unsafe { &*self.memory.start().add(self.offset).cast::<Head>() }
    }

    /// Where the next message lies.
    fn slot(&self, first: u64) -> *mut u8 {
        let slot = ((self.position - first) % SLOTS) as usize;
        // SAFETY: the slots lie behind the Head, inside of the memory.
        unsafe {
            self.memory
                .start()
                .add(self.offset + size_of::<Head>() + slot * self.stride)
        }
    }

    fn has_room(&self) -> bool {
        self.position - self.head().taken.0.load(Ordering::Acquire) < SLOTS
    }

    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let waits = &self.head().sender_waits.0;
        while !self.has_room() {
            waits.store(1, Ordering::Relaxed);
            fence(Ordering::SeqCst);
            // If the receiver has seen that this waits, its post will come and must be taken.
            if !self.has_room() || waits.swap(0, Ordering::Relaxed) == 0 {
                self.room.wait()?;
            }
        }
        debug_assert!(message.len() <= self.stride);
        if self.head().taken.0.load(Ordering::Acquire) == self.position {
            // All have been taken: the first slot again, for it is still in the cache.
            self.first = self.position;
            self.head().first.0.store(self.first, Ordering::Relaxed);
        }
        let slot = self.slot(self.first);
        // SAFETY: the slot is free, the message fits, and the receiver reads it after the post alone.
        unsafe { ptr::copy_nonoverlapping(message.as_ptr(), slot, message.len()) };
        self.position += 1;
        self.head().sent.0.store(self.position, Ordering::Release);
        self.full.post()
    }

    fn receive(&mut self, message: &mut [u8]) -> io::Result<()> {
        self.full.wait()?;
        self.head().sent.0.load(Ordering::Acquire);
        // It changes only while there is no message.
        let slot = self.slot(self.head().first.0.load(Ordering::Relaxed));
        // SAFETY: the slot is full until `taken` says otherwise, and holds a message of this size.
        unsafe { ptr::copy_nonoverlapping(slot.cast_const(), message.as_mut_ptr(), message.len()) };
        self.position += 1;
        self.head().taken.0.store(self.position, Ordering::Release);
        fence(Ordering::SeqCst);
        let waits = &self.head().sender_waits.0;
        if waits.load(Ordering::Relaxed) == 1 && waits.swap(0, Ordering::Relaxed) == 1 {
            self.room.post()?;
        }
        Ok(())
    }
}

impl<G: Gate> End for Side<G> {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.output.send(message)
    }

    fn receive(&mut self, message: &mut [u8]) -> io::Result<()> {
        self.input.receive(message)
    }
}
