//! A mailbox in shared memory with room for one short message each way: the fastest way for two
//! processors to talk.
//!
//! A message and its answer share one cache line, if both are short: a processor that reads a line which
//! the other has just written may get it for good, and then writes its answer without asking for it.
//! The rest of a longer one crosses in a line of its own, which is written last and looked at first: whoever
//! looked at the shared line meanwhile would take it from the sender before it is done with it.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::memory::Shared;

/// What one side writes, with the beginning of its message.
#[repr(C)]
struct Slip {
    sent: AtomicU32,
    taken: AtomicU32,
    payload: [AtomicU32; SHORT / 4],
}

/// The rest of a longer message: one cache line.
#[repr(C, align(128))]
struct Rest {
    /// Which message it is of, written after all else. In between there may be any number of short ones, so
    /// this number must not come round.
    sent: AtomicU64,
    payload: [AtomicU32; (MAX - SHORT) / 4],
}

/// Both sides' slips, which fill a cache line, and the rest of longer messages. All zeros: nothing sent,
/// nothing taken.
#[repr(C, align(128))]
struct Both {
    slips: [Slip; 2],
    rests: [Rest; 2],
}

/// So many bytes of a message cross in the same cache line as its bookkeeping.
const SHORT: usize = 24;

/// The longest message.
pub const MAX: usize = SHORT + 56;

/// How much memory the mailbox needs.
pub const MEMORY: usize = size_of::<Both>();

/// The two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Person {
    /// The first.
    A,
    /// The second.
    B,
}

/// One side of the mailbox.
pub struct Mailbox<'a> {
    both: &'a Both,
    own: usize,
    sent: u64,
    taken: u64,
}

impl<'a> Mailbox<'a> {
    /// The side of A or B, over memory that is filled with zeros. Each person may have one.
    ///
    /// # Panics
    /// When the memory is smaller than [`MEMORY`].
    pub fn new(memory: &'a Shared, person: Person) -> Self {
        assert!(memory.size() >= MEMORY, "two messages do not fit");
        // SAFETY: the mapping begins at a page and holds all of it, which is atomics alone.
        let both = unsafe { &*memory.start().cast::<Both>() };
        let (own, sent, taken) = (person as usize, 0, 0);
        Self {
            both,
            own,
            sent,
            taken,
        }
    }

    /// Waits until the last message has been taken, and sends this one.
    ///
    /// # Panics
    /// When it is longer than [`MAX`].
    pub fn send(&mut self, message: &[u8]) {
        assert!(message.len() <= MAX, "{} bytes are too many", message.len());
        let (own, others) = self.slips();
        wait_until(|| others.taken.load(Ordering::Acquire) == self.sent as u32);
        // The other side has taken the last message, and reads these places again only after the stores
        // below (Release).
        let (short, long) = message.split_at(message.len().min(SHORT));
        self.sent += 1;
        put(&own.payload, short);
        own.sent.store(self.sent as u32, Ordering::Release);
        if !long.is_empty() {
            let rest = &self.both.rests[self.own];
            put(&rest.payload, long);
            rest.sent.store(self.sent, Ordering::Release);
        }
    }

    /// Waits for the next message, and takes its first bytes. They are as many as were sent, or fewer: for
    /// more it may wait for ever.
    ///
    /// # Panics
    /// When they are more than [`MAX`].
    pub fn receive(&mut self, message: &mut [u8]) {
        assert!(message.len() <= MAX, "{} bytes are too many", message.len());
        let (own, others) = self.slips();
        self.taken += 1;
        // The other side writes these places until the stores that are waited for, and again only after
        // the one below.
        let (short, long) = message.split_at_mut(message.len().min(SHORT));
        if long.is_empty() {
            wait_until(|| others.sent.load(Ordering::Acquire) == self.taken as u32);
        } else {
            let rest = &self.both.rests[1 - self.own];
            wait_until(|| rest.sent.load(Ordering::Acquire) == self.taken);
            get(&rest.payload, long);
        }
        get(&others.payload, short);
        own.taken.store(self.taken as u32, Ordering::Release);
    }

    /// This side's, and the other's.
    fn slips(&self) -> (&'a Slip, &'a Slip) {
        (&self.both.slips[self.own], &self.both.slips[1 - self.own])
    }
}

fn wait_until(there: impl Fn() -> bool) {
    while !there() {
        spin_loop();
    }
}

/// Copies word by word: for a few bytes that takes less time than a call of memcpy.
fn put(words: &[AtomicU32], bytes: &[u8]) {
    let mut fours = bytes.chunks_exact(4);
    for (word, four) in words.iter().zip(&mut fours) {
        word.store(word_of(four), Ordering::Relaxed);
    }
    if let (odd @ [_, ..], Some(word)) = (fours.remainder(), words.get(bytes.len() / 4)) {
        word.store(word_of(odd), Ordering::Relaxed);
    }
}

fn get(words: &[AtomicU32], bytes: &mut [u8]) {
    for (word, four) in words.iter().zip(bytes.chunks_mut(4)) {
        let word = word.load(Ordering::Relaxed).to_ne_bytes();
        match <&mut [u8; 4]>::try_from(&mut *four) {
            Ok(four) => *four = word,
            Err(_) => four.iter_mut().zip(word).for_each(|(to, from)| *to = from),
        }
    }
}

/// Of four bytes, or fewer.
fn word_of(bytes: &[u8]) -> u32 {
    let four = bytes.try_into().unwrap_or_else(|_| {
        let mut four = [0; 4];
        four.iter_mut()
            .zip(bytes)
            .for_each(|(to, from)| *to = *from);
        four
    });
    u32::from_ne_bytes(four)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use nix::sys::mman::MapFlags;

    use super::{MAX, MEMORY, Mailbox, Person, SHORT};
    use crate::memory::Shared;

    // Few: on one processor each of them waits for the scheduler.
    const MESSAGES: usize = 200;

    /// No message is like another one, whatever its length.
    fn message(number: usize, length: usize) -> Vec<u8> {
        (0..length).map(|at| (at * 7 + number * 13) as u8).collect()
    }

    fn send(mailbox: &mut Mailbox<'_>, number: usize, length: usize) {
        mailbox.send(&message(number, length));
    }

    fn receive(mailbox: &mut Mailbox<'_>, number: usize, length: usize) {
        let mut received = vec![0; length];
        mailbox.receive(&mut received);
        assert_eq!(received, message(number, length), "message {number}");
    }

    /// Short ones and long ones, mixed.
    fn length(number: usize) -> usize {
        [1, MAX, SHORT, SHORT + 1, 64, 4][number % 6]
    }

    /// Runs what A does beside what B does; a wait that is never over is a test that fails.
    fn beside(a: fn(&mut Mailbox<'_>), b: fn(&mut Mailbox<'_>)) {
        let (done, ended) = mpsc::channel();
        thread::spawn(move || {
            let memory = Shared::anonymous(MEMORY, MapFlags::empty()).expect("memory");
            thread::scope(|scope| {
                scope.spawn(|| a(&mut Mailbox::new(&memory, Person::A)));
                b(&mut Mailbox::new(&memory, Person::B));
            });
            done.send(()).expect("the test waits");
        });
        ended
            .recv_timeout(Duration::from_secs(60))
            .expect("both have ended within a minute");
    }

    #[test]
    fn messages_of_all_lengths() {
        beside(
            |mailbox| (0..=MAX).for_each(|it| send(mailbox, it, it)),
            |mailbox| (0..=MAX).for_each(|it| receive(mailbox, it, it)),
        );
    }

    #[test]
    fn each_message_arrives_once_and_in_order() {
        beside(
            |mailbox| (0..MESSAGES).for_each(|it| send(mailbox, it, length(it))),
            |mailbox| (0..MESSAGES).for_each(|it| receive(mailbox, it, length(it))),
        );
    }

    #[test]
    fn short_ones_alone_arrive_too() {
        beside(
            |mailbox| (0..MESSAGES).for_each(|it| send(mailbox, it, SHORT)),
            |mailbox| (0..MESSAGES).for_each(|it| receive(mailbox, it, SHORT)),
        );
    }

    #[test]
    fn both_may_speak_at_once() {
        let both = |mailbox: &mut Mailbox<'_>| {
            for number in 0..MESSAGES {
                send(mailbox, number, length(number));
                receive(mailbox, number, length(number));
            }
        };
        beside(both, both);
    }

    #[test]
    fn less_than_was_sent_may_be_received() {
        const PARTS: [(usize, usize); 6] = [
            (MAX, MAX),
            (3, 2),
            (MAX, 5),
            (MAX, MAX - 1),
            (9, 9),
            (MAX, MAX),
        ];
        beside(
            |mailbox| (0..6).for_each(|it| send(mailbox, it, PARTS[it].0)),
            |mailbox| (0..6).for_each(|it| receive(mailbox, it, PARTS[it].1)),
        );
    }

    #[test]
    fn what_is_received_makes_room_at_once() {
        beside(
            |mailbox| (0..2).for_each(|it| send(mailbox, it, MAX)),
            |mailbox| receive(mailbox, 0, MAX),
        );
    }
}
