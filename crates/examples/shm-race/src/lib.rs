//! Processes that count in the same memory, started and waited for, and a semaphore set that
//! never stays behind. The lesson `deadlock` uses them too.

mod keeper;
pub mod workers;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use anyhow::Context;
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};

pub use keeper::Kept;

/// What `counter++` does. Another process may store in between, and its update is overwritten.
///
/// In C that is a plain `int`, and two processes at it are undefined behaviour. Each half is atomic
/// here, the two together are not: a wrong result, but a defined one.
pub fn load_then_store(counter: &AtomicU64) {
    let value = counter.load(Relaxed);
    counter.store(value + 1, Relaxed);
}

/// Memory that this process shares with the children it forks: see mmap(2). It has no name, so it
/// goes with the last of them.
///
/// # Errors
/// When the kernel has no memory left.
pub fn shared_counter() -> anyhow::Result<&'static AtomicU64> {
    const SIZE: NonZeroUsize = NonZeroUsize::new(size_of::<AtomicU64>()).expect("8 bytes");
    let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    // SAFETY: the kernel chooses the address, so nothing that is in use is mapped over.
    let memory = unsafe { mmap_anonymous(None, SIZE, protection, MapFlags::MAP_SHARED) };
    let memory = memory.context("mmap of shared memory")?.cast();
    // SAFETY: a whole page of zeros, which is a counter at 0, and it is never unmapped.
    Ok(unsafe { memory.as_ref() })
}
