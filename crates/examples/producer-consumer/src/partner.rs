//! Waiting for a partner who may have died: no semaphore tells of that, but the kernel knows
//! who has the segment attached.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use libc::key_t;
use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use sysv_sem::Semaphores;
use sysv_shm::{Segment, Users};

use crate::{MUTEX, Ring, Shared};

/// How long to sleep in semtimedop before looking for the partner.
const SLICE: Duration = Duration::from_millis(250);

/// How long to believe in a partner who is attached, but not the one that created the segment:
/// it may be a second consumer, waiting like this one.
const DOUBT: Duration = Duration::from_secs(3);

/// How long a consumer may take to use up what a dead producer has left, and to give up.
const PATIENCE: Duration = Duration::from_secs(3);

impl Shared {
    /// P(`semaphore`), then P(mutex); gives up once `gone` says that the partner has died.
    ///
    /// # Errors
    /// When the partner has died or removed the semaphores.
    pub fn acquire(
        &self,
        semaphore: u16,
        gone: impl Fn(Duration) -> anyhow::Result<bool>,
        partner: &str,
    ) -> anyhow::Result<()> {
        for (number, is_lock) in [(semaphore, false), (MUTEX, true)] {
            let since = Instant::now();
            loop {
                // Read before the wait: a partner that ends after this has done its V by then.
                let was_gone = gone(since.elapsed())?;
                let taken = if is_lock {
                    self.set.lock_within(SLICE, number)?
                } else {
                    self.set.p_within(SLICE, number)?
                };
                if taken {
                    break;
                }
                ensure!(
                    !was_gone,
                    "the {partner} has gone: start both programs again"
                );
            }
        }
        Ok(())
    }

    /// Whether no producer is there any more: for the consumer.
    ///
    /// # Errors
    /// When the segment has been removed.
    pub fn producer_gone(&self, silence: Duration) -> anyhow::Result<bool> {
        let users = self.segment.users()?;
        // A segment that a C producer has found and used again was created by somebody long dead.
        Ok(users.attached < 2 || (silence > DOUBT && !is_alive(users.creator)))
    }

    /// Whether a consumer has been there and is no more: for the producer.
    ///
    /// # Errors
    /// When the segment has been removed.
    pub fn consumer_gone(&self) -> anyhow::Result<bool> {
        let users = self.segment.users()?;
        Ok(users.attached < 2 && users.last != Pid::this().as_raw())
    }
}

/// Removes the objects that a crashed run has left, once nobody uses them.
pub fn remove_stale(shm_key: key_t, sem_key: key_t) -> anyhow::Result<()> {
    let find = || Segment::open(shm_key, size_of::<Ring>());
    let start = Instant::now();
    let free = lesson::poll_until(PATIENCE, || {
        let Some(segment) = find()? else {
            return Ok(Some(()));
        };
        // Both calls fail if a consumer that has given up removes it at this moment.
        if segment.users().is_ok_and(|users| is_stale(&users, start)) && segment.remove().is_ok() {
            lesson::note!("removing {segment}, left by an earlier run");
        }
        Ok(None)
    })?;
    if free.is_none() {
        let segment = find()?.context("the ring was removed just now: start again")?;
        let creator = segment.users()?.creator;
        bail!("{segment} is in use (process {creator} created it): wait, or give another DIR");
    }
    if let Some(set) = Semaphores::find(sem_key, 3)? {
        // A producer makes its segment first: there is none, so this set is nobody's.
        if find()?.is_none() {
            let _ = set.remove(); // Fails if somebody else has just done so.
        }
    }
    Ok(())
}

/// Attached by nobody, and not because another producer has made it this very moment.
fn is_stale(users: &Users, since: Instant) -> bool {
    users.attached == 0 && (since.elapsed() > Duration::from_secs(1) || !is_alive(users.creator))
}

fn is_alive(process: libc::pid_t) -> bool {
    // Signal 0 is never sent; EPERM means that there is such a process, of another user.
    kill(Pid::from_raw(process), None) != Err(Errno::ESRCH)
}
