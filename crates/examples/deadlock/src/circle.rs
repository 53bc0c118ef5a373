//! Who holds what and who waits for what, as the kernel tells it.

use std::time::Duration;

use anyhow::{Context, ensure};
use lesson::say;
use nix::unistd::{Pid, getpid};
use sysv_sem::Semaphores;

use crate::{LOCK_1, LOCK_2};

/// A lock as semctl(2) shows it.
struct Lock {
    name: &'static str,
    /// GETVAL: 0 is taken.
    value: i32,
    /// GETPID: who changed the value last. Of a taken lock, its holder.
    holder: Pid,
    /// GETNCNT: how many processes sleep in a P on it.
    waiting: i32,
}

fn look(set: Semaphores, name: &'static str, number: u16) -> anyhow::Result<Lock> {
    Ok(Lock {
        name,
        value: set.value(number)?,
        holder: set.last_process(number)?,
        waiting: set.waiting(number)?,
    })
}

/// Called by A, which holds lock 1 and has waited for lock 2 in vain.
pub fn explain(set: Semaphores) -> anyhow::Result<()> {
    // B may still be on its way into semop, or out of it for a moment (Ctrl-Z and fg), and no
    // event tells when it sleeps there.
    let found = lesson::poll_until(Duration::from_secs(5), || {
        let locks = [look(set, "lock 1", LOCK_1)?, look(set, "lock 2", LOCK_2)?];
        Ok((locks[0].waiting == 1).then_some(locks))
    })?;
    let locks = found.context("semctl GETNCNT: nobody sleeps in a P on lock 1")?;

    // Two processes take these locks: the one that runs here, and B.
    let name = |process| if process == getpid() { "A" } else { "B" };
    say!("  The kernel says  GETVAL  GETPID  GETNCNT");
    for lock in &locks {
        ensure!(lock.value == 0, "{} is free", lock.name);
        say!(
            "    {:<13}{:>8}{:>8}{:>9}",
            lock.name,
            lock.value,
            name(lock.holder),
            lock.waiting
        );
    }

    // The kernel counts the sleepers and does not name them. But A is awake, so it is B.
    let [lock_1, lock_2] = locks;
    let (first, second) = (name(lock_2.holder), name(lock_1.holder));
    ensure!(
        (first, second) == ("B", "A"),
        "no circle: {first} holds lock 2, {second} holds lock 1"
    );
    say!(
        "  A circle: A wants lock 2, held by {first}; B sleeps in a P on lock 1, held by {second}"
    );
    Ok(())
}
