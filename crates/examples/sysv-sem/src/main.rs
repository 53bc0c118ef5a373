//! P and V: a semaphore as a mutex, as a signal from one process to another, and what happens
//! when a process dies with the mutex in its hands.
//!
//! One program, no partner: cargo run -q --bin sysv-sem

use anyhow::{Context, ensure};
use fork_isolation::{how_it_ended, reap};
use lesson::{Failure, Made, say};
use nix::sys::signal::{Signal, kill, raise};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};
use sysv_sem::Semaphores;

/// The semaphores of the set, by their numbers.
const MUTEX: u16 = 0;
const READY: u16 = 1;

fn main() -> Result<(), Failure> {
    lesson::no_arguments!();
    lesson::clean_up_on_signal()?;
    let making = lesson::making();
    let set = Semaphores::private(&[1, 0])?;
    // Nobody else removes it: not the kernel, not the end of this process.
    let _made = making.remove_at_end(move || drop(set.remove()));

    take_turns(set)?;
    die_with_the_mutex(set)?;
    Ok(())
}

fn take_turns(set: Semaphores) -> anyhow::Result<()> {
    say!(
        "mutex = {}, ready = {}",
        set.value(MUTEX)?,
        set.value(READY)?
    );
    set.p(MUTEX)?;
    say!("Parent: P(mutex), so mutex = {}", set.value(MUTEX)?);

    // SAFETY: the one other thread sleeps in sigwait and holds no lock that the child could need.
    match unsafe { fork() }.context("fork")? {
        ForkResult::Child => lesson::end(child(set)),
        ForkResult::Parent { child } => {
            let watched = watch(child);
            // Sleeps until the child has said that it is about to lock.
            set.p(READY)?;
            say!("Parent: the child has called V(ready); V(mutex) lets it in");
            set.v(MUTEX)?;
            reap(child)?;
            watched.leave();
        }
    }
    say!(
        "mutex = {}, ready = {}",
        set.value(MUTEX)?,
        set.value(READY)?
    );
    Ok(())
}

/// Should this process end early, then the child before the set: it would take that for an error.
fn watch(child: Pid) -> Made {
    lesson::making().remove_at_end(move || {
        let _ = kill(child, Signal::SIGKILL);
    })
}

fn child(set: Semaphores) -> anyhow::Result<()> {
    lesson::forked();
    set.v(READY)?;
    // Sleeps in semop: the parent has taken the only one there is.
    set.p(MUTEX)?;
    say!("Child: P(mutex), now it is mine");
    set.v(MUTEX)
}

fn die_with_the_mutex(set: Semaphores) -> anyhow::Result<()> {
    // SAFETY: as above.
    let child = match unsafe { fork() }.context("fork")? {
        ForkResult::Child => lesson::end(lock_and_die(set)),
        ForkResult::Parent { child } => child,
    };
    let status = waitpid(child, None).context("waitpid")?;
    ensure!(
        // Of SIGPIPE it died because nobody reads what it says; then nobody reads us either.
        matches!(
            status,
            WaitStatus::Signaled(_, Signal::SIGKILL | Signal::SIGPIPE, _)
        ),
        "the child was not killed: {}",
        how_it_ended(status)
    );
    // Without SEM_UNDO this would sleep for ever.
    set.p(MUTEX)?;
    say!("Parent: P(mutex) succeeds: the kernel has undone the dead child's P");
    set.v(MUTEX)
}

fn lock_and_die(set: Semaphores) -> anyhow::Result<()> {
    lesson::forked();
    set.lock(MUTEX)?;
    say!("Child: P(mutex) with SEM_UNDO, then kill -9 on itself");
    raise(Signal::SIGKILL).context("raise SIGKILL")
}
