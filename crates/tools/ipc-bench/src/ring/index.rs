//! The ring's bookkeeping: which lines are free, which are full, and who sleeps. It touches no payload.
//!
//! Positions count lines from the beginning of time and never wrap; a line's place is its position
//! modulo the capacity. `tail` is how far the producer has written, `head` how far the consumer has read.
//!
//! The orderings: what the producer writes into a line happens before its Release store of `tail`,
//! which the consumer's Acquire load sees, and so before the consumer reads the line. In the other
//! direction the Release store of `head` puts the consumer's reading before the producer's next
//! writing of the same line. Each side keeps a copy of the other's index, and loads the real one only
//! when the copy says "full" or "empty": the cache line crosses between the processors once for many
//! messages, not once for each.
//!
//! A look costs the other side: it takes the line away, and what the other side publishes next waits until
//! the line is back. Who looks at once for each message gets them one by one, at the speed of that line.
//! Therefore a look waits first, as many pauses as there were messages since the last one: in a stream
//! more and more gather, and a partner who sends one and waits for its answer loses one pause.
//!
//! Who finds nothing to do may sleep. It says so (`asleep` = 1), looks once more, and then sleeps while
//! `asleep` is 1; the other side publishes, and then looks at `asleep`. Each side stores one word and
//! then loads the other's: without a sequentially consistent fence in between on both sides, both loads
//! could see the old values, and the wake would be lost. Spinning hides that mistake.

use super::atomics::{AtomicU32, AtomicU64, Ordering, fence, spin_loop, wait, wake};

/// A cache line of its own, so that two processors that write neighbours do not wait for each other.
/// Two lines, since processors fetch them in pairs.
#[repr(C, align(128))]
pub struct Line<T>(pub T);

/// What both sides share. All zeros is an empty ring.
#[repr(C)]
pub struct Index {
    /// Where the producer has got to.
    pub tail: Line<AtomicU64>,
    /// Where the consumer has got to.
    pub head: Line<AtomicU64>,
    /// 1 while the producer waits for room.
    pub producer_asleep: Line<AtomicU32>,
    /// 1 while the consumer waits for a message.
    pub consumer_asleep: Line<AtomicU32>,
}

/// How a side waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Looks again and again: the fastest, and a whole processor.
    Spin,
    /// Looks so many times, and then sleeps in futex(2).
    SpinThenSleep(u32),
}

/// One side's view of its own index and its copy of the other's.
pub struct Side {
    own: u64,
    copy: u64,
    /// Messages since the last look at the other's index.
    since: u32,
    waiting: Waiting,
}

/// At most so many pauses come before a look: about two microseconds.
const PAUSES: u32 = 64;

impl Side {
    /// At the beginning.
    pub fn new(waiting: Waiting) -> Self {
        Self {
            own: 0,
            copy: 0,
            since: 0,
            waiting,
        }
    }

    /// The consumer's: whether what ends at this position is known to be there.
    pub fn has(&self, position: u64) -> bool {
        self.copy >= position
    }

    /// This side's position.
    pub fn position(&self) -> u64 {
        self.own
    }

    /// The producer's: waits until `lines` are free of `capacity`.
    pub fn wait_for_room(&mut self, index: &Index, lines: u64, capacity: u64) {
        let needed = self.own + lines;
        self.wait(&index.head.0, &index.producer_asleep.0, |head| {
            needed - head <= capacity
        });
    }

    /// The producer's: the next `lines` are written.
    pub fn publish(&mut self, index: &Index, lines: u64) {
        self.own += lines;
        index.tail.0.store(self.own, Ordering::Release);
        self.tell(&index.consumer_asleep.0);
    }

    /// The consumer's: waits until there is something to read.
    pub fn wait_for_message(&mut self, index: &Index) {
        let own = self.own;
        self.wait(&index.tail.0, &index.consumer_asleep.0, |tail| tail != own);
    }

    /// Looks at the other side's index, if the copy is not as wanted, until it is.
    fn wait(&mut self, index: &AtomicU64, asleep: &AtomicU32, wanted: impl Fn(u64) -> bool) {
        if !wanted(self.copy) {
            // Not loom's spin_loop: this looks at nothing.
            (0..self.since.min(PAUSES)).for_each(|_| std::hint::spin_loop());
            self.since = 0;
            self.copy = wait_until(index, asleep, self.waiting, wanted);
        }
        self.since = self.since.saturating_add(1);
    }

    /// The consumer's: the next `lines` are read, and free again.
    pub fn release(&mut self, index: &Index, lines: u64) {
        self.own += lines;
        index.head.0.store(self.own, Ordering::Release);
        self.tell(&index.producer_asleep.0);
    }

    /// Wakes the other side if it sleeps.
    fn tell(&self, asleep: &AtomicU32) {
        if self.waiting == Waiting::Spin {
            return; // Then nobody ever sleeps.
        }
        fence(Ordering::SeqCst);
        if asleep.load(Ordering::Relaxed) == 1 {
            asleep.store(0, Ordering::Relaxed);
            wake(asleep);
        }
    }
}

/// The other side's index, once it is as wanted.
fn wait_until(
    index: &AtomicU64,
    asleep: &AtomicU32,
    waiting: Waiting,
    wanted: impl Fn(u64) -> bool,
) -> u64 {
    let mut looks = 0;
    loop {
        let now = index.load(Ordering::Acquire);
        if wanted(now) {
            return now;
        }
        match waiting {
            Waiting::SpinThenSleep(limit) if looks >= limit => {
                asleep.store(1, Ordering::Relaxed);
                fence(Ordering::SeqCst);
                let now = index.load(Ordering::Acquire);
                if wanted(now) {
                    asleep.store(0, Ordering::Relaxed);
                    return now;
                }
                wait(asleep, 1);
                asleep.store(0, Ordering::Relaxed);
            }
            _ => spin_loop(),
        }
        looks = looks.saturating_add(1);
    }
}
