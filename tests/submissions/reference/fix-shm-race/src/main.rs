//! Several processes add to one number in shared memory, one at a time.
//!
//! One program, no partner: cargo run -q -p fix-shm-race

use std::hint::spin_loop;
use std::io::stdin;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use anyhow::Context;
use clap::Parser;
use fork_isolation::reap;
use lesson::{Failure, note, say};
use nix::unistd::{ForkResult, fork};
use sysv_sem::Semaphores;
use sysv_shm::{PROJECT, Segment};

/// Have one worker for each amount, which adds it to a total in shared memory time and again
#[derive(Parser)]
struct Args {
    /// How often each worker adds its amount
    #[arg(long, default_value_t = 1000)]
    rounds: u32,
    /// The amounts, one for each worker
    #[arg(default_values_t = [1, 10, 100])]
    amounts: Vec<u32>,
}

fn main() -> Result<(), Failure> {
    let Args { rounds, amounts } = Args::parse();
    lesson::clean_up_on_signal()?;
    let key = lesson::ftok(Path::new("."), PROJECT)?;

    let making = lesson::making();
    let segment = Segment::create(key, size_of::<AtomicU64>())?
        .context("there is a segment already: is this program running twice? See ipcs -m")?;
    let _made = making.remove_at_end(move || drop(segment.remove()));

    let making = lesson::making();
    let mutex = Semaphores::private(&[1])?;
    let _mutex = making.remove_at_end(move || drop(mutex.remove()));

    let mut workers = Vec::new();
    for amount in &amounts {
        // SAFETY: the one other thread sleeps in sigwait and holds no lock that the child could need.
        match unsafe { fork() }.context("fork")? {
            ForkResult::Child => lesson::end(work(segment, mutex, rounds, *amount)),
            ForkResult::Parent { child } => workers.push(child),
        }
    }
    for worker in workers {
        reap(worker)?;
    }

    let memory = segment.attach()?;
    // SAFETY: an AtomicU64 is an atomic, and every pattern of bits is one.
    let total: &AtomicU64 = unsafe { memory.cast() };
    say!("Total: {}", total.load(Relaxed));
    note!("Enter removes the segment");
    stdin()
        .read_line(&mut String::new())
        .context("read stdin")?;
    Ok(())
}

/// What each worker does.
fn work(segment: Segment, mutex: Semaphores, rounds: u32, amount: u32) -> anyhow::Result<()> {
    lesson::forked();
    let memory = segment.attach()?;
    // SAFETY: as above.
    let total: &AtomicU64 = unsafe { memory.cast() };
    for _ in 0..rounds {
        // With SEM_UNDO: a worker that is killed in here does not stop the others for ever.
        mutex.lock(0)?;
        let before = total.load(Relaxed);
        let after = before + price(amount);
        total.store(after, Relaxed);
        mutex.unlock(0)?;
    }
    Ok(())
}

/// Takes its time, as real work does.
fn price(amount: u32) -> u64 {
    (0..1000).for_each(|_| spin_loop());
    amount.into()
}
