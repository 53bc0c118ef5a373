//! Every order in which two threads can take the ring's steps, tried one after the other by loom: a
//! payload that is read before it is written, or a side that sleeps for ever, is found in one of them.
//!
//! The bookkeeping is compiled a second time here, with loom's atomics in place of the real ones.

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

use index::{Index, Line, Side, Waiting};

mod atomics {
    use loom::sync::{Condvar, Mutex};

    pub use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

    /// Lets the other thread go on: loom tries no order in which only one of them ever runs.
    pub fn spin_loop() {
        loom::thread::yield_now();
    }

    loom::lazy_static! {
        /// The kernel looks at the word and puts to sleep under a lock that a waker takes too.
        static ref KERNEL: (Mutex<()>, Condvar) = (Mutex::new(()), Condvar::new());
    }

    pub fn wait(word: &AtomicU32, expected: u32) {
        let lock = KERNEL.0.lock().expect("no thread panics with the lock");
        if word.load(Ordering::SeqCst) == expected {
            drop(KERNEL.1.wait(lock));
        }
    }

    pub fn wake(_word: &AtomicU32) {
        drop(KERNEL.0.lock());
        KERNEL.1.notify_all();
    }
}
// On purpose: the same text, with other atomics.
#[allow(clippy::duplicate_mod)]
#[path = "ring/index.rs"]
mod index;

/// So many messages through a ring of one line, whose every use is a race unless the ring forbids it.
fn messages_arrive(waiting: Waiting, count: u64) {
    // Without a bound the orders of two sides that sleep and wake are too many; mistakes of this kind
    // need one or two switches at the wrong place.
    let mut orders = loom::model::Builder::new();
    orders.preemption_bound = Some(3);
    orders.check(move || {
        let ring = Arc::new((index(), UnsafeCell::new(0)));
        let producer = {
            let ring = Arc::clone(&ring);
            thread::spawn(move || {
                let mut side = Side::new(waiting);
                for message in 1..=count {
                    side.wait_for_room(&ring.0, 1, 1);
                    // SAFETY: loom itself checks that nobody else is at the cell.
                    ring.1.with_mut(|line| unsafe { *line = message });
                    side.publish(&ring.0, 1);
                }
            })
        };
        let mut side = Side::new(waiting);
        for message in 1..=count {
            side.wait_for_message(&ring.0);
            assert!(side.has(message));
            // SAFETY: loom itself checks that nobody writes the cell.
            assert_eq!(ring.1.with(|line| unsafe { *line }), message);
            side.release(&ring.0, 1);
        }
        assert_eq!(side.position(), count);
        producer.join().expect("the producer panics");
    });
}

fn index() -> Index {
    Index {
        tail: Line(atomics::AtomicU64::new(0)),
        head: Line(atomics::AtomicU64::new(0)),
        producer_asleep: Line(atomics::AtomicU32::new(0)),
        consumer_asleep: Line(atomics::AtomicU32::new(0)),
    }
}

#[test]
fn spinning_in_every_order() {
    messages_arrive(Waiting::Spin, 2);
}

#[test]
fn sleeping_in_every_order() {
    messages_arrive(Waiting::SpinThenSleep(0), 2);
}
