//! A ring of messages of any length, for one producer and one consumer.
//!
//! A message takes whole cache lines of 64 bytes and begins on one; its length stands in an array
//! beside. (With the length in front, every payload would begin 4 or 8 bytes into a line, and copies to
//! and from such addresses were measured seven times slower.)

use super::atomics;

mod index;

use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::ensure;

use crate::memory::Shared;
pub use index::Waiting;
use index::{Index, Side};

/// What a message is laid out in: the size of a cache line.
pub const LINE: usize = 64;

/// The length that says: the rest of the ring is unused, go on at its start.
const SKIP: u32 = u32::MAX;

/// The memory of a ring, of which a [`Producer`] and a [`Consumer`] are made, in one process each.
pub struct Ring {
    memory: Shared,
    lines: u64,
}

impl Ring {
    /// How much memory a ring of so many bytes of messages needs.
    pub fn memory_for(bytes: usize) -> usize {
        size_of::<Index>() + bytes / LINE * size_of::<u32>() + bytes + LINE
    }

    /// An empty ring of so many bytes, a power of two, over memory that is filled with zeros.
    ///
    /// # Errors
    /// When the memory is too small, or `bytes` no power of two.
    pub fn new(memory: Shared, bytes: usize) -> anyhow::Result<Self> {
        ensure!(
            bytes.is_power_of_two() && bytes >= LINE,
            "a ring of {bytes} bytes: use a power of two"
        );
        ensure!(
            memory.size() >= Self::memory_for(bytes),
            "a ring of {bytes} bytes does not fit into {}",
            memory.size()
        );
        let lines = (bytes / LINE) as u64;
        Ok(Self { memory, lines })
    }

    /// The longest message: half of the ring, so that it fits whatever lies at the end.
    pub fn max(&self) -> usize {
        self.lines as usize * LINE / 2
    }

    /// The sending side. There must be one at a time.
    pub fn producer(self: &Arc<Self>, waiting: Waiting) -> Producer {
        Producer {
            ring: Arc::clone(self),
            side: Side::new(waiting),
        }
    }

    /// The receiving side. There must be one at a time.
    pub fn consumer(self: &Arc<Self>, waiting: Waiting) -> Consumer {
        Consumer {
            ring: Arc::clone(self),
            side: Side::new(waiting),
        }
    }

    fn index(&self) -> &Index {
        // SAFETY: the mapping begins at a page, is larger than an Index (checked in `new`), and an
        // Index is atomics alone, for which every pattern of bits is a value.
        unsafe { &*self.memory.start().cast::<Index>() }
    }

    fn lengths(&self) -> &[AtomicU32] {
        // SAFETY: `new` has checked that they fit behind the Index, whose size is a multiple of 128.
        unsafe {
            let start = self.memory.start().add(size_of::<Index>());
            slice::from_raw_parts(start.cast(), self.lines as usize)
        }
    }

    /// The place of a position, where its message begins.
    fn payload(&self, position: u64) -> *mut u8 {
        let lengths = self.lines as usize * size_of::<u32>();
        let offset = (size_of::<Index>() + lengths).next_multiple_of(LINE);
        // SAFETY: a place is less than `lines`, and `new` has checked that all lines fit.
        unsafe {
            self.memory
                .start()
                .add(offset + self.place(position) * LINE)
        }
    }

    fn place(&self, position: u64) -> usize {
        (position & (self.lines - 1)) as usize
    }
}

/// So many lines ahead the consumer asks for what it will read: by then they have come from the other
/// processor. (In a ring of 4 MiB a 64-byte message takes four times as long without it.)
const AHEAD: u64 = 16;

/// Begins to fetch a cache line, and waits for nothing.
fn prefetch(place: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch has no effect but on the caches, whatever the address is.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(place.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

fn lines_of(length: usize) -> u64 {
    length.div_ceil(LINE).max(1) as u64
}

/// The sending side of a [`Ring`].
pub struct Producer {
    ring: Arc<Ring>,
    side: Side,
}

/// Room in the ring, to write a message in place; the message exists once it is sent.
pub struct Room<'p> {
    producer: &'p mut Producer,
    length: usize,
}

impl Producer {
    /// Waits for room for a message of that length, to be written where it stays.
    ///
    /// # Panics
    /// When it is longer than [`Ring::max`].
    pub fn room(&mut self, length: usize) -> Room<'_> {
        assert!(
            length <= self.ring.max(),
            "{length} bytes are more than the ring takes"
        );
        let lines = lines_of(length);
        let place = self.ring.place(self.side.position()) as u64;
        let to_end = self.ring.lines - place;
        if lines > to_end {
            self.side
                .wait_for_room(self.ring.index(), to_end, self.ring.lines);
            self.ring.lengths()[place as usize].store(SKIP, Ordering::Relaxed);
            self.side.publish(self.ring.index(), to_end);
        }
        self.side
            .wait_for_room(self.ring.index(), lines, self.ring.lines);
        Room {
            producer: self,
            length,
        }
    }

    /// Sends a copy of the message.
    pub fn send(&mut self, message: &[u8]) {
        let mut room = self.room(message.len());
        room.bytes().copy_from_slice(message);
        room.send();
    }
}

impl Room<'_> {
    /// Where to write the message; what stands there is left over from an earlier one.
    pub fn bytes(&mut self) -> &mut [u8] {
        let ring = &self.producer.ring;
        // SAFETY: `room` has waited until these lines are free: the consumer reads none of them before
        // `send` publishes them, and there is one producer.
        unsafe {
            slice::from_raw_parts_mut(ring.payload(self.producer.side.position()), self.length)
        }
    }

    /// The message is complete: the consumer may have it.
    pub fn send(self) {
        let Producer { ring, side } = self.producer;
        ring.lengths()[ring.place(side.position())].store(self.length as u32, Ordering::Relaxed);
        side.publish(ring.index(), lines_of(self.length));
    }
}

/// The receiving side of a [`Ring`].
pub struct Consumer {
    ring: Arc<Ring>,
    side: Side,
}

/// A message in the ring, to be read in place; its room is free again once it is dropped.
pub struct Message<'c> {
    bytes: &'c [u8],
    ring: &'c Ring,
    side: &'c mut Side,
}

impl Consumer {
    /// Waits for the next message.
    pub fn message(&mut self) -> Message<'_> {
        let ring = &*self.ring;
        loop {
            self.side.wait_for_message(ring.index());
            let position = self.side.position();
            let place = ring.place(position);
            if self.side.has(position + AHEAD + 1) {
                prefetch(ring.payload(position + AHEAD));
            }
            let length = ring.lengths()[place].load(Ordering::Relaxed);
            if length == SKIP {
                self.side.release(ring.index(), ring.lines - place as u64);
                continue;
            }
            // A partner gone mad must not make this read beyond the memory.
            let to_end = (ring.lines as usize - place) * LINE;
            let length = (length as usize).min(to_end);
            // SAFETY: these lines are published, the producer writes none of them before they are
            // released, and that happens when the Message, which borrows this, is dropped.
            let bytes = unsafe { slice::from_raw_parts(ring.payload(position), length) };
            return Message {
                bytes,
                ring,
                side: &mut self.side,
            };
        }
    }

    /// Receives a copy of the next message, and says how long it is; of a longer one the rest is lost.
    pub fn receive(&mut self, into: &mut [u8]) -> usize {
        let message = self.message();
        let length = message.len().min(into.len());
        into[..length].copy_from_slice(&message[..length]);
        length
    }
}

impl std::ops::Deref for Message<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes
    }
}

impl Drop for Message<'_> {
    fn drop(&mut self) {
        self.side
            .release(self.ring.index(), lines_of(self.bytes.len()));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};
    use std::thread;
    use std::time::Duration;

    use nix::sys::mman::MapFlags;

    use super::{LINE, Ring, Waiting};
    use crate::memory::Shared;

    fn ring(bytes: usize) -> Arc<Ring> {
        let memory = Shared::anonymous(Ring::memory_for(bytes), MapFlags::empty()).expect("memory");
        Arc::new(Ring::new(memory, bytes).expect("a ring"))
    }

    /// Message `number`: its length changes, and so does each of its bytes.
    fn message(number: usize, max: usize) -> Vec<u8> {
        let length = number * 7 % (max + 1);
        (0..length).map(|at| (number + at * 3) as u8).collect()
    }

    /// So many messages of all lengths through a ring that is too small for most of them.
    fn all_arrive(waiting: Waiting, count: usize) {
        let (done, ended) = mpsc::channel();
        thread::spawn(move || {
            let ring = ring(4 * LINE);
            thread::scope(|scope| {
                scope.spawn(|| {
                    let mut producer = ring.producer(waiting);
                    for number in 0..count {
                        producer.send(&message(number, ring.max()));
                    }
                });
                let mut consumer = ring.consumer(waiting);
                for number in 0..count {
                    assert_eq!(
                        *consumer.message(),
                        message(number, ring.max()),
                        "message {number}"
                    );
                }
            });
            done.send(()).expect("the test waits");
        });
        // A wake that is lost is a test that hangs: this one fails.
        ended
            .recv_timeout(Duration::from_secs(60))
            .expect("all messages within a minute");
    }

    #[test]
    fn every_wait_is_a_sleep() {
        all_arrive(Waiting::SpinThenSleep(0), 20_000);
    }

    #[test]
    fn some_waits_are_sleeps() {
        all_arrive(Waiting::SpinThenSleep(20), 20_000);
    }

    #[test]
    fn a_payload_begins_on_a_cache_line_and_is_written_in_place() {
        let ring = ring(1024);
        let (mut producer, mut consumer) =
            (ring.producer(Waiting::Spin), ring.consumer(Waiting::Spin));
        for length in [1, 64, 65, 500] {
            let mut room = producer.room(length);
            room.bytes().fill(length as u8);
            assert_eq!(room.bytes().as_ptr().addr() % LINE, 0);
            room.send();
            assert_eq!(*consumer.message(), vec![length as u8; length]);
        }
    }

    #[test]
    fn what_cannot_be_a_ring_is_refused() {
        let memory = || Shared::anonymous(4096, MapFlags::empty()).expect("memory");
        assert!(Ring::new(memory(), 3000).is_err());
        assert!(Ring::new(memory(), 4096).is_err());
    }
}
