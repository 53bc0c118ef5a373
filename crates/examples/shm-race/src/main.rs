//! Four processes add to one counter in shared memory: updates are lost, until a semaphore or an
//! atomic addition prevents that.
//!
//! One program, no partner: cargo run -q --bin shm-race

mod chart;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use clap::Parser;
use lesson::{Failure, note, say};
use shm_race::{Kept, load_then_store, shared_counter, workers};

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
    let mutex = Kept::semaphores(&[1])?;
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

/// Has all processes `add` so often, from zero, and returns what the counter says then.
fn count(
    counter: &AtomicU64,
    rounds: u32,
    add: impl Fn() -> anyhow::Result<()>,
) -> anyhow::Result<u64> {
    counter.store(0, Relaxed);
    workers::run(PROCESSES, |_| (0..rounds).try_for_each(|_| add()))?;
    Ok(counter.load(Relaxed))
}
