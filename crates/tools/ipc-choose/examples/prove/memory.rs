//! One segment that two processes both read and write.

use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use anyhow::Context;
use fork_isolation::reap;
use nix::unistd::{ForkResult, fork};
use sysv_shm::{Attached, PROJECT, SIZE, Segment};

/// Runs `show` with a new segment.
fn with_segment(
    dir: &Path,
    show: impl Fn(&Attached) -> anyhow::Result<String>,
) -> anyhow::Result<String> {
    let making = lesson::making();
    let segment = Segment::create(lesson::ftok(dir, PROJECT)?, SIZE)?;
    let segment = segment.context("there is a segment already")?;
    let _made = making.remove_at_end(move || drop(segment.remove()));
    show(&segment.attach()?)
}

/// What the parent reads when its child has read what the parent has written, and answered.
pub fn both_ways(dir: &Path) -> anyhow::Result<String> {
    with_segment(dir, |memory| {
        let [there, back] = [0, 100].map(|at| &memory.bytes()[at..at + 100]);
        // SAFETY: this process has one thread, so the child can hold no lock of a thread it lacks.
        let child = match unsafe { fork() }.context("fork")? {
            ForkResult::Child => {
                lesson::forked();
                let question = lesson::poll_until(std::time::Duration::from_secs(20), || {
                    Ok(sysv_shm::text::published(there))
                });
                let answered = question.and_then(|question| {
                    let question = question.context("no question")?;
                    sysv_shm::text::publish(back, &format!("{question} answered"));
                    Ok(())
                });
                lesson::end(answered)
            }
            ForkResult::Parent { child } => child,
        };
        sysv_shm::text::publish(there, "question");
        reap(child)?;
        sysv_shm::text::published(back).context("no answer")
    })
}

/// Two texts, one written after the other, as whoever reads the memory sees them.
pub fn boundaries(dir: &Path) -> anyhow::Result<String> {
    with_segment(dir, |memory| {
        let write = |at: usize, text: &str| {
            let places = memory.bytes()[at..].iter().zip(text.bytes());
            places.for_each(|(place, byte)| place.store(byte, Relaxed));
        };
        write(0, "Hello");
        write(5, "World");
        let read = |place: &AtomicU8| char::from(place.load(Relaxed));
        Ok(memory.bytes()[..10].iter().map(read).collect())
    })
}
