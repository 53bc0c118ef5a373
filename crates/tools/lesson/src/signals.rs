//! Removing what a program made, also when Ctrl-C or `kill` ends it.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::Context;
use nix::sys::signal::{SigHandler, SigSet, Signal, raise, signal};

type Removal = Box<dyn FnOnce() + Send>;

/// What to remove at the end, in the order in which it was made; `None` once it is gone.
static REMOVALS: Mutex<Vec<Option<Removal>>> = Mutex::new(Vec::new());

/// What ends a program that is used as it should be: Ctrl-C, `kill`, and a terminal that is closed,
/// unless nohup(1) has this program ignore that.
pub fn ends() -> SigSet {
    let mut signals: SigSet = [Signal::SIGINT, Signal::SIGTERM].into_iter().collect();
    if !ignored(Signal::SIGHUP) {
        signals.add(Signal::SIGHUP);
    }
    signals
}

/// Whether this process ignores it: one that is blocked would arrive all the same. See sigaction(2).
pub fn ignored(signal: Signal) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: nothing is installed; and should the call fail, zeros stay, which are SIG_DFL.
    let action = unsafe {
        libc::sigaction(signal as i32, ptr::null(), action.as_mut_ptr());
        action.assume_init()
    };
    action.sa_sigaction == libc::SIG_IGN
}

/// Runs `then` in a thread of its own when the first of [`ends`] arrives.
///
/// Call it first in `main`: threads inherit the mask of the thread that starts them. A program
/// that forks does without it, since its children would inherit the blocked signals too.
///
/// # Errors
/// When the signals cannot be blocked or the thread cannot be started.
pub fn on_signal(then: impl FnOnce(Signal) + Send + 'static) -> anyhow::Result<()> {
    let signals = ends();
    signals.thread_block().context("pthread_sigmask")?;
    // sigwait(3) fails only for a set with a number that is no signal's.
    let wait = move || signals.wait().map_or((), then);
    let thread = thread::Builder::new().name("signals".into());
    thread.spawn(wait).context("start the signal thread")?;
    Ok(())
}

/// On one of [`ends`] removes what was made, then dies of it (status 130, 143 or 129).
///
/// # Errors
/// As [`on_signal`].
pub fn clean_up_on_signal() -> anyhow::Result<()> {
    on_signal(|signal| {
        clean_up();
        die_of(signal);
    })
}

/// On one of [`ends`] removes what was made, then exits with status 0: for servers.
///
/// # Errors
/// As [`on_signal`].
pub fn exit_on_signal() -> anyhow::Result<()> {
    on_signal(|_| {
        clean_up();
        std::process::exit(0);
    })
}

/// In a forked child: signals act as ever again, and what the parent made is left to it.
pub fn forked() {
    match REMOVALS.try_lock() {
        Ok(mut removals) => std::mem::forget(std::mem::take(&mut *removals)),
        // The signal thread held it at the fork: the parent is about to end.
        Err(_) => die_of(Signal::SIGTERM),
    }
    let _ = SigSet::all().thread_unblock();
}

/// Restores the default action of `signal` and dies of it, so that the shell sees why.
pub fn die_of(signal_number: Signal) -> ! {
    // SAFETY: SIG_DFL installs no handler, so no code of ours runs in signal context.
    let _ = unsafe { signal(signal_number, SigHandler::SigDfl) };
    let _ = SigSet::from(signal_number).thread_unblock();
    let _ = raise(signal_number);
    std::process::exit(128 + signal_number as i32)
}

fn removals() -> MutexGuard<'static, Vec<Option<Removal>>> {
    REMOVALS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes all that was made, the newest first. The process is about to end: nothing can be
/// made after this, because the lock is kept.
pub fn clean_up() {
    let mut removals = removals();
    for removal in removals.iter_mut().rev() {
        if let Some(remove) = removal.take() {
            remove();
        }
    }
    std::mem::forget(removals);
}

/// While this is held a signal waits, so that nothing is made and then left behind.
pub struct Making(MutexGuard<'static, Vec<Option<Removal>>>);

/// Call it before creating something that outlives the process; keep it until the call is done.
pub fn making() -> Making {
    Making(removals())
}

impl Making {
    /// The object exists now: `remove` it when the returned guard is dropped, or on a signal.
    pub fn remove_at_end(mut self, remove: impl FnOnce() + Send + 'static) -> Made {
        self.0.push(Some(Box::new(remove)));
        Made(self.0.len() - 1)
    }
}

/// Removes the object when dropped, unless a signal has done so before.
#[must_use = "dropping it removes the object at once"]
pub struct Made(usize);

impl Made {
    /// The partner removes the object: leave it in place.
    pub fn leave(self) {
        removals()[self.0] = None;
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        // The lock is held meanwhile: a signal that arrives now waits.
        if let Some(remove) = removals()[self.0].take() {
            remove();
        }
    }
}
