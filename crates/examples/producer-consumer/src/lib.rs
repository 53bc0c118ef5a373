//! What producer and consumer agree on: the ring in shared memory, the three semaphores that
//! keep order in it, and how each notices that the other one has died.

mod partner;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI32, Ordering};

use anyhow::Context;
use lesson::Made;
use sysv_sem::Semaphores;
use sysv_shm::{Attached, Segment};

/// How many items the ring holds.
pub const BUFFER_SIZE: usize = 10;

/// The semaphores by their numbers in the set: the ring's lock.
pub const MUTEX: u16 = 0;
/// How many places are empty: the producer sleeps while there are none.
pub const EMPTY: u16 = 1;
/// How many items there are: the consumer sleeps while there are none.
pub const FULL: u16 = 2;

/// The arguments that both programs take.
#[derive(clap::Args)]
pub struct Options {
    /// The folder that stands for the objects: their keys are ftok(DIR, 'S') and ftok(DIR, 'E')
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// How many items there are
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(i32).range(1..))]
    pub items: i32,
}

/// The ring as it lies in the segment, in C's layout; the indices count modulo BUFFER_SIZE.
#[repr(C)]
struct Ring {
    buffer: [AtomicI32; BUFFER_SIZE],
    next_in: AtomicI32,
    next_out: AtomicI32,
}

/// A ring that this process has attached, and the set that guards it.
pub struct Shared {
    segment: Segment,
    memory: Attached,
    /// MUTEX, EMPTY, FULL.
    pub set: Semaphores,
}

impl Shared {
    /// Creates both objects; what a crashed run has left is removed first.
    ///
    /// # Errors
    /// When another program uses them, or they are not ours.
    pub fn create(dir: &Path) -> anyhow::Result<(Self, Made)> {
        let (shm_key, sem_key) = keys(dir)?;
        partner::remove_stale(shm_key, sem_key)?;

        let making = lesson::making();
        let size = size_of::<Ring>();
        let segment = Segment::create(shm_key, size)?;
        let segment = segment.context("another producer has started just now")?;
        let empty = BUFFER_SIZE as u16;
        let set = match Semaphores::create(sem_key, &[1, empty, 0]) {
            Ok(set) => set,
            Err(error) => {
                segment.remove()?;
                return Err(error);
            }
        };
        let made = making.remove_at_end(move || {
            let _ = (segment.remove(), set.remove());
        });
        let memory = segment.attach()?;
        Ok((
            Self {
                segment,
                memory,
                set,
            },
            made,
        ))
    }

    /// Opens the objects that a producer has created; `None` if there are none yet.
    ///
    /// # Errors
    /// When they are not ours, or those of another program.
    pub fn open(dir: &Path) -> anyhow::Result<Option<Self>> {
        let (shm_key, sem_key) = keys(dir)?;
        let size = size_of::<Ring>();
        let Some(segment) = Segment::open(shm_key, size)? else {
            return Ok(None);
        };
        let Some(set) = Semaphores::open(sem_key, 3)? else {
            return Ok(None);
        };
        let memory = segment.attach();
        // A producer that started meanwhile may have replaced what a crashed run had left.
        if Segment::open(shm_key, size)? != Some(segment) {
            return Ok(None);
        }
        Ok(Some(Self {
            segment,
            memory: memory?,
            set,
        }))
    }

    /// Puts an item into the next place, and says which; call it with the mutex held.
    pub fn put(&self, item: i32) -> i32 {
        // Relaxed is enough: the semaphores order what the two processes do here.
        let index = self.ring().next_in.load(Ordering::Relaxed);
        self.ring().buffer[wrap(index)].store(item, Ordering::Relaxed);
        index
    }

    /// Moves on to the next place for an item; call it with the mutex held.
    pub fn advance_in(&self) {
        advance(&self.ring().next_in);
    }

    /// The item in the next place to take from, and which that is; call it with the mutex held.
    pub fn get(&self) -> (i32, i32) {
        let index = self.ring().next_out.load(Ordering::Relaxed);
        (
            self.ring().buffer[wrap(index)].load(Ordering::Relaxed),
            index,
        )
    }

    /// Moves on to the next place to take from; call it with the mutex held.
    pub fn advance_out(&self) {
        advance(&self.ring().next_out);
    }

    /// Removes both objects.
    ///
    /// # Errors
    /// When the partner has removed them already.
    pub fn remove(self) -> anyhow::Result<()> {
        // Detached last: until then a producer that starts does not take them for a crashed run's.
        let set = self.set.remove();
        self.segment.remove()?;
        set
    }

    fn ring(&self) -> &Ring {
        // SAFETY: Ring is repr(C) and made of AtomicI32 alone, for which every pattern is a value.
        unsafe { self.memory.cast() }
    }
}

fn advance(index: &AtomicI32) {
    let next = (wrap(index.load(Ordering::Relaxed)) + 1) % BUFFER_SIZE;
    index.store(next as i32, Ordering::Relaxed);
}

/// An index is only as good as the process that wrote it: never outside the buffer.
fn wrap(index: i32) -> usize {
    usize::try_from(index).unwrap_or(0) % BUFFER_SIZE
}

fn keys(dir: &Path) -> anyhow::Result<(libc::key_t, libc::key_t)> {
    Ok((lesson::ftok(dir, b'S')?, lesson::ftok(dir, b'E')?))
}
