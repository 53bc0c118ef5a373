//! Two processes and two locks: taken in different orders, each waits for the other one for ever;
//! taken in the same order, or both at once, they never do.
//!
//! One program, no partner: cargo run -q --bin deadlock

mod circle;

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::ensure;
use clap::Parser;
use lesson::{Failure, say};
use shm_race::{Kept, load_then_store, shared_counter, workers};
use sysv_sem::Semaphores;

/// The semaphores of the set, by their numbers: two locks and two events.
const LOCK_1: u16 = 0;
const LOCK_2: u16 = 1;
const A_HOLDS_1: u16 = 2;
const B_HOLDS_2: u16 = 3;

/// Bring two processes into a deadlock, explain it, end it, and avoid it
#[derive(Parser)]
struct Args {
    /// How often each process takes both locks, in each of the two ways without a deadlock
    #[arg(long, value_name = "N", default_value_t = 10_000,
          value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How long A waits in the deadlock before it gives up
    #[arg(long, value_name = "MS", default_value_t = 200,
          value_parser = clap::value_parser!(u32).range(1..))]
    timeout_ms: u32,
}

fn main() -> Result<(), Failure> {
    let Args { rounds, timeout_ms } = Args::parse();
    // Gone when this process is, however it ends: see src/keeper.rs of the lesson `shm-race`.
    let kept = Kept::semaphores(&[1, 1, 0, 0])?;
    let set = kept.set;

    say!("Different orders: A takes lock 1 then lock 2, B takes lock 2 then lock 1");
    workers::run(2, |worker| match worker {
        0 => a(set, timeout_ms),
        _ => b(set),
    })?;
    say!("  B gets it, has both, gives both back; A and B have ended");

    say!("The same order: A and B take lock 1 then lock 2, {rounds} times each");
    count(rounds, |_, work| {
        let [first, second] = [LOCK_1, LOCK_2];
        set.lock(first)?;
        set.lock(second)?;
        work();
        set.unlock(second)?;
        set.unlock(first)
    })?;

    // The kernel takes all that one semop names, or takes none and sleeps: nobody ever holds one
    // lock while waiting for the other, so the order does not matter.
    say!("Both in one semop: A names lock 1 and lock 2, B lock 2 and lock 1, {rounds} times each");
    count(rounds, |worker, work| {
        set.lock_all(&crossed(worker))?;
        work();
        set.unlock_all(&crossed(worker))
    })?;
    Ok(())
}

/// A has a time limit, so it is A that finds out.
fn a(set: Semaphores, timeout_ms: u32) -> anyhow::Result<()> {
    set.lock(LOCK_1)?;
    // Neither goes on before the other one has its first lock. Without that, chance decides, and
    // nearly always all goes well.
    set.v(A_HOLDS_1)?;
    set.p(B_HOLDS_2)?;
    say!("  A holds lock 1, B holds lock 2, and now each wants the other one too");

    let limit = Duration::from_millis(timeout_ms.into());
    let taken = set.lock_within(limit, LOCK_2)?;
    ensure!(!taken, "lock 2 was free: B must have died");
    say!("  A: lock 2 does not come within {timeout_ms} ms (semtimedop: EAGAIN)");
    circle::explain(set)?;

    say!("  A gives lock 1 back");
    set.unlock(LOCK_1)
}

/// B has none: left alone, it would sleep for ever.
fn b(set: Semaphores) -> anyhow::Result<()> {
    set.lock(LOCK_2)?;
    set.v(B_HOLDS_2)?;
    set.p(A_HOLDS_1)?;
    set.lock(LOCK_1)?;
    set.unlock(LOCK_1)?;
    set.unlock(LOCK_2)
}

/// The two locks in the order in which A (worker 0) and B take them when they do not agree.
fn crossed(worker: u32) -> [u16; 2] {
    match worker {
        0 => [LOCK_1, LOCK_2],
        _ => [LOCK_2, LOCK_1],
    }
}

/// Has both processes take `turn` so often. The work in the middle is an increment that gets lost
/// if anybody else is at it (lesson `shm-race`), so the sum tells that nobody was.
fn count(rounds: u32, turn: impl Fn(u32, &dyn Fn()) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let counter = shared_counter()?;
    workers::run(2, |worker| {
        (0..rounds).try_for_each(|_| turn(worker, &|| load_then_store(counter)))
    })?;
    let (counted, expected) = (counter.load(Relaxed), 2 * u64::from(rounds));
    ensure!(
        counted == expected,
        "{counted} of {expected} turns: not alone"
    );
    say!("  no deadlock, and never two at a time: {counted} of {expected} turns counted");
    Ok(())
}
