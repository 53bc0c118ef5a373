//! POSIX shared memory, and a semaphore of our own on futex(2): no system call while nobody sleeps.

use std::io;
use std::os::fd::AsFd;
use std::process;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context;
use ipc_bench::futex;
use ipc_bench::memory::Shared;
use nix::fcntl::OFlag;
use nix::sys::mman::{shm_open, shm_unlink};
use nix::sys::stat::Mode;
use nix::unistd::ftruncate;

use super::Pair;
use super::slots::{Gate, Slots};

/// Lies in shared memory; all zeros is a semaphore at zero.
#[repr(C)]
struct Semaphore {
    value: AtomicU32,
    sleepers: AtomicU32,
}

pub fn open(size: usize) -> anyhow::Result<Pair> {
    let slots = Slots::new(size);
    let memory = Rc::new(posix_memory(slots.memory())?);
    slots.pair(memory.clone(), |number| {
        // SAFETY: the place holds 64 bytes of zeros for it, and is mapped as long as the process lives:
        // each side has the memory.
        Ok(unsafe { &*slots.place(&*memory, number).cast::<Semaphore>() })
    })
}

/// A POSIX shared memory object, mapped, whose name is gone already: see shm_open(3).
pub fn posix_memory(size: usize) -> anyhow::Result<Shared> {
    let name = format!("/ipc-bench-{}", process::id());
    let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_RDWR;
    let object = shm_open(name.as_str(), flags, Mode::S_IRUSR | Mode::S_IWUSR);
    let object = object.with_context(|| format!("shm_open {name}"))?;
    shm_unlink(name.as_str()).with_context(|| format!("shm_unlink {name}"))?;
    let length = size.try_into().context("its size")?;
    ftruncate(&object, length).with_context(|| format!("ftruncate {name} to {size} bytes"))?;
    Shared::file(object.as_fd(), size)
}

impl Gate for &Semaphore {
    fn wait(&self) -> io::Result<()> {
        loop {
            let value = self.value.load(Ordering::Relaxed);
            let taken = |value| (value > 0).then(|| value - 1);
            if self
                .value
                .fetch_update(Ordering::Acquire, Ordering::Relaxed, taken)
                .is_ok()
            {
                return Ok(());
            }
            self.sleepers.fetch_add(1, Ordering::SeqCst);
            futex::wait(&self.value, value);
            self.sleepers.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn post(&self) -> io::Result<()> {
        self.value.fetch_add(1, Ordering::SeqCst);
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            futex::wake(&self.value);
        }
        Ok(())
    }
}
