//! Four processes add to one counter in shared memory: updates are lost, until a semaphore or an
//! atomic addition prevents that.
//!
//! One program, no partner: cargo run -q --bin shm-race

mod chart;
mod keeper;
mod workers;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use anyhow::Context;
use clap::Parser;
use keeper::Kept;
use lesson::{Failure, note, say};
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};

/// How many processes count at the same time.
const PROCESSES: u32 = 4;

/// How often the race may be run without a lost update.
const RUNS: u32 = 1000;

/// Count in shared memory: without synchronization, with a semaphore, with an atomic addition
#[derive(Parser)]
struct Args {
    /// How often each of the four processes adds 1
    #[arg(long, value_name = "N", default_value_t = 25_000,
          value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

fn main() -> Result<(), Failure> {
    let Args { rounds } = Args::parse();
    let expected = u64::from(PROCESSES) * u64::from(rounds);
    let counter = shared_counter()?;
    say!(
        "{PROCESSES} processes, each adds 1 to the same counter {rounds} times: {expected} in all"
    );

    // Chance decides whether two processes meet: run it again until they do.
    let mut counted = expected;
    for _ in 0..RUNS {
        counted = count(counter, rounds, || {
            load_then_store(counter);
            Ok(())
        })?;
        if counted < expected {
            break;
        }
    }
    say!("{}", chart::line("load, then store", counted, expected));
    if counted == expected {
        note!("Not one update lost in {RUNS} runs. That proves nothing: try --rounds 1000000");
    }

    // Between P and V there is one process at a time.
    let mutex = Kept::semaphore()?;
    let counted = count(counter, rounds, || {
        mutex.set.lock(0)?;
        load_then_store(counter);
        mutex.set.unlock(0)
    })?;
    drop(mutex);
    say!("{}", chart::line("with a semaphore", counted, expected));

    // Load, add and store as one instruction that no other CPU can interrupt.
    let counted = count(counter, rounds, || {
        counter.fetch_add(1, Relaxed);
        Ok(())
    })?;
    say!("{}", chart::line("atomic addition", counted, expected));
    Ok(())
}

/// What `counter++` does. Another process may store in between, and its update is overwritten.
///
/// In C that is a plain `int`, and two processes at it are undefined behaviour. Each half is atomic
/// here, the two together are not: a wrong result, but a defined one.
fn load_then_store(counter: &AtomicU64) {
    let value = counter.load(Relaxed);
    counter.store(value + 1, Relaxed);
}

/// Has all processes `add` so often, from zero, and returns what the counter says then.
fn count(
    counter: &AtomicU64,
    rounds: u32,
    add: impl Fn() -> anyhow::Result<()>,
) -> anyhow::Result<u64> {
    counter.store(0, Relaxed);
    workers::run(PROCESSES, || (0..rounds).try_for_each(|_| add()))?;
    Ok(counter.load(Relaxed))
}

/// Memory that this process shares with the children it forks: see mmap(2). It has no name, so it
/// goes with the last of them.
fn shared_counter() -> anyhow::Result<&'static AtomicU64> {
    const SIZE: NonZeroUsize = NonZeroUsize::new(size_of::<AtomicU64>()).expect("8 bytes");
    let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    // SAFETY: the kernel chooses the address, so nothing that is in use is mapped over.
    let memory = unsafe { mmap_anonymous(None, SIZE, protection, MapFlags::MAP_SHARED) };
    let memory = memory.context("mmap of shared memory")?.cast();
    // SAFETY: a whole page of zeros, which is a counter at 0, and it is never unmapped.
    Ok(unsafe { memory.as_ref() })
}
