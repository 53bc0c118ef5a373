//! What the processes share: two accounts, with a lock for each.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use lesson::{Made, making};
use sysv_sem::Semaphores;
use sysv_shm::Segment;

/// The left account and its lock.
pub const LEFT: u16 = 0;

/// The right account and its lock.
pub const RIGHT: u16 = 1;

/// What is in both accounts together; no transfer changes that.
const SUM: i64 = 2_000_000;

/// In shared memory.
#[repr(C)]
pub struct Accounts {
    /// What is in LEFT and in RIGHT.
    pub money: [AtomicI64; 2],
    /// How many transfers were made.
    pub transfers: AtomicI64,
    /// How often somebody who had both locks found less or more than there should be.
    pub torn: AtomicI64,
}

/// Makes the locks, and the segment with the accounts, half of the sum in each. Both are removed
/// when the guards are dropped, and on Ctrl-C.
///
/// # Errors
/// When the kernel allows no more of them.
pub fn open_accounts() -> anyhow::Result<(Semaphores, Segment, [Made; 2])> {
    let first = making();
    let locks = Semaphores::private(&[1, 1])?;
    let first = first.remove_at_end(move || drop(locks.remove()));

    let second = making();
    let segment = Segment::create(libc::IPC_PRIVATE, size_of::<Accounts>())?;
    let segment = segment.ok_or_else(|| anyhow::anyhow!("shmget IPC_PRIVATE made no segment"))?;
    let second = second.remove_at_end(move || drop(segment.remove()));

    let memory = segment.attach()?;
    // SAFETY: Accounts is repr(C) and made of atomics, and every pattern of bits is one.
    let accounts: &Accounts = unsafe { memory.cast() };
    for money in &accounts.money {
        money.store(SUM / 2, Relaxed);
    }
    Ok((locks, segment, [first, second]))
}

/// `number += change`, for who has the lock.
pub fn add(number: &AtomicI64, change: i64) {
    number.store(number.load(Relaxed) + change, Relaxed);
}

/// One look at both accounts.
///
/// # Errors
/// When the locks have been removed.
pub fn audit(locks: Semaphores, accounts: &Accounts) -> anyhow::Result<()> {
    locks.lock(LEFT)?;
    locks.lock(RIGHT)?;
    let sum: i64 = accounts.money.iter().map(|it| it.load(Relaxed)).sum();
    if sum != SUM {
        add(&accounts.torn, 1);
    }
    locks.unlock(RIGHT)?;
    locks.unlock(LEFT)
}
