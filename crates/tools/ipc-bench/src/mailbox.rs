//! Two people's mailboxes in shared memory, each with room for one short message: the fastest way for
//! two processors to talk.
//!
//! Each side writes into its own cache line alone: its message, and how many of the other's it has
//! taken. So a message and its answer move two cache lines, and nothing else.

use std::hint::spin_loop;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::memory::Shared;

/// What one side writes and the other reads. All zeros: nothing sent, nothing taken.
#[repr(C, align(128))]
struct Slip {
    sent: AtomicU32,
    taken: AtomicU32,
    payload: [AtomicU32; 30],
}

/// The longest message. Up to 56 bytes it crosses in one cache line with its bookkeeping.
pub const MAX: usize = 120;

/// How much memory the two slips need.
pub const MEMORY: usize = 2 * size_of::<Slip>();

/// The two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Person {
    /// The first.
    A,
    /// The second.
    B,
}

/// One side's mailbox.
pub struct Mailbox<'a> {
    own: &'a Slip,
    others: &'a Slip,
    sent: u32,
    taken: u32,
}

impl<'a> Mailbox<'a> {
    /// The mailbox of A or B in memory that is filled with zeros. Each person may have one.
    ///
    /// # Panics
    /// When the memory is smaller than [`MEMORY`].
    pub fn new(memory: &'a Shared, person: Person) -> Self {
        assert!(memory.size() >= MEMORY, "two slips do not fit");
        // SAFETY: the mapping begins at a page and holds two slips, which are atomics alone.
        let slips = unsafe { &*memory.start().cast::<[Slip; 2]>() };
        let (own, others) = match person {
            Person::A => (&slips[0], &slips[1]),
            Person::B => (&slips[1], &slips[0]),
        };
        let (sent, taken) = (0, 0);
        Self {
            own,
            others,
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
        while self.others.taken.load(Ordering::Acquire) != self.sent {
            spin_loop();
        }
        // SAFETY: the other side has taken the last message, and reads the slip again only after the
        // store below (Release); the message fits, and atomics may be written through `&`.
        unsafe { ptr::copy_nonoverlapping(message.as_ptr(), self.own.text(), message.len()) };
        self.sent = self.sent.wrapping_add(1);
        self.own.sent.store(self.sent, Ordering::Release);
    }

    /// Waits for the next message, and takes its first bytes.
    ///
    /// # Panics
    /// When those are more than [`MAX`].
    pub fn receive(&mut self, message: &mut [u8]) {
        assert!(message.len() <= MAX, "{} bytes are too many", message.len());
        while self.others.sent.load(Ordering::Acquire) == self.taken {
            spin_loop();
        }
        // SAFETY: the other side does not write this slip until the store below (Release) says that it
        // is taken; it holds at least that many bytes.
        unsafe {
            let from = self.others.text().cast_const();
            ptr::copy_nonoverlapping(from, message.as_mut_ptr(), message.len());
        }
        self.taken = self.taken.wrapping_add(1);
        self.own.taken.store(self.taken, Ordering::Release);
    }
}

impl Slip {
    fn text(&self) -> *mut u8 {
        self.payload.as_ptr().cast_mut().cast()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use nix::sys::mman::MapFlags;

    use super::{MAX, MEMORY, Mailbox, Person};
    use crate::memory::Shared;

    #[test]
    fn each_message_arrives_once_and_in_order() {
        let memory = Shared::anonymous(MEMORY, MapFlags::empty()).expect("memory");
        // Few: on one processor each of them waits for the scheduler.
        let messages = 0..200_u8;
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut mailbox = Mailbox::new(&memory, Person::A);
                for number in messages.clone() {
                    mailbox.send(&[number; MAX]);
                }
            });
            let mut mailbox = Mailbox::new(&memory, Person::B);
            for number in messages.clone() {
                let mut message = [0; MAX];
                mailbox.receive(&mut message);
                assert_eq!(message, [number; MAX]);
            }
        });
    }
}
