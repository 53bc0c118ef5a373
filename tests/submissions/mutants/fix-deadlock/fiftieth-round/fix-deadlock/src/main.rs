//! Two processes move money between two accounts, one to the right and one to the left, while a
//! third looks whether the sum is right. In every fiftieth round the order is the other one.
//!
//! One program, no partner: cargo run -q -p fix-deadlock

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread::sleep;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use fix_deadlock::{Accounts, LEFT, RIGHT, add, audit, open_accounts};
use fork_isolation::reap;
use lesson::{Failure, say};
use nix::unistd::{ForkResult, fork};
use sysv_sem::Semaphores;

/// Move money between two accounts in both directions at once
#[derive(Parser)]
struct Args {
    /// How many transfers each of the two makes
    #[arg(long, default_value_t = 1000)]
    rounds: u32,
    /// How many microseconds of work there are between two steps of a transfer
    #[arg(long, default_value_t = 20)]
    micros: u64,
    /// How much goes from the left to the right at a time
    #[arg(default_value_t = 3)]
    right: u16,
    /// How much goes from the right to the left at a time
    #[arg(default_value_t = 1)]
    left: u16,
}

fn main() -> Result<(), Failure> {
    let args = Args::parse();
    lesson::clean_up_on_signal()?;
    let (locks, segment, _made) = open_accounts()?;
    let memory = segment.attach()?;
    // SAFETY: Accounts is repr(C) and made of atomics, and every pattern of bits is one.
    let accounts: &Accounts = unsafe { memory.cast() };

    let work = || sleep(Duration::from_micros(args.micros));
    let to_the_right = || transfer(locks, accounts, LEFT, RIGHT, args.right.into(), work);
    let to_the_left = || transfer(locks, accounts, RIGHT, LEFT, args.left.into(), work);
    let look = || {
        work();
        audit(locks, accounts)
    };

    let roles: [&dyn Fn() -> anyhow::Result<()>; 3] = [&to_the_right, &to_the_left, &look];
    let mut children = Vec::new();
    for role in roles {
        // SAFETY: the one other thread sleeps in sigwait and holds no lock that the child could need.
        match unsafe { fork() }.context("fork")? {
            ForkResult::Child => {
                lesson::forked();
                lesson::end((0..args.rounds).try_for_each(|_| role()))
            }
            ForkResult::Parent { child } => children.push(child),
        }
    }
    children.into_iter().try_for_each(reap)?;

    say!("Left: {}", accounts.money[usize::from(LEFT)].load(Relaxed));
    say!(
        "Right: {}",
        accounts.money[usize::from(RIGHT)].load(Relaxed)
    );
    say!("Transfers: {}", accounts.transfers.load(Relaxed));
    say!("Torn pairs: {}", accounts.torn.load(Relaxed));
    Ok(())
}

/// One transfer. Until it is complete nobody else may see either account.
fn transfer(
    locks: Semaphores,
    accounts: &Accounts,
    from: u16,
    to: u16,
    amount: i64,
    work: impl Fn(),
) -> anyhow::Result<()> {
    // "For fairness" the owner of the money locks first, now and then.
    static ROUND: AtomicU32 = AtomicU32::new(0);
    let (first, second) = match ROUND.fetch_add(1, Relaxed) % 50 {
        49 => (from, to),
        _ => (LEFT, RIGHT),
    };
    locks.lock(first)?;
    work();
    locks.lock(second)?;
    add(&accounts.money[usize::from(from)], -amount);
    work();
    add(&accounts.money[usize::from(to)], amount);
    add(&accounts.transfers, 1);
    locks.unlock(RIGHT)?;
    locks.unlock(LEFT)
}
