//! A signal that terminates the program, and the thread that waits for it.

use std::mem::MaybeUninit;
use std::ptr;
use std::thread;

use anyhow::Context;
use nix::sys::signal::{SigHandler, SigSet, Signal, raise, signal};

use crate::guard::{clean_up, forget};

/// The signals that terminate a program in everyday use: SIGINT (Ctrl-C), SIGTERM (`kill`), and
/// SIGHUP (the terminal is closed), unless nohup(1) makes this program ignore SIGHUP.
pub fn termination_signals() -> SigSet {
    let mut signals: SigSet = [Signal::SIGINT, Signal::SIGTERM].into_iter().collect();
    if !is_ignored(Signal::SIGHUP) {
        signals.add(Signal::SIGHUP);
    }
    signals
}

/// Whether this process ignores `signal`: see sigaction(2). The kernel delivers even an ignored
/// signal to sigwait(3), so a program must leave it out of the set.
pub fn is_ignored(signal: Signal) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a null `act` installs nothing; if the call fails, the zeros stay, which mean SIG_DFL.
    let action = unsafe {
        libc::sigaction(signal as i32, ptr::null(), action.as_mut_ptr());
        action.assume_init()
    };
    action.sa_sigaction == libc::SIG_IGN
}

/// Runs `then` in a thread of its own when the first of [`termination_signals`] arrives.
///
/// Call it first in `main`, because a new thread inherits the signal mask of its creator.
/// A program that forks does not call it: its children would inherit the blocked signals.
///
/// # Errors
/// When the signals cannot be blocked, or the thread cannot be started.
pub fn on_signal(then: impl FnOnce(Signal) + Send + 'static) -> anyhow::Result<()> {
    let signals = termination_signals();
    signals.thread_block().context("pthread_sigmask")?;
    // sigwait(3) fails only for a set with an invalid signal number.
    let wait = move || signals.wait().map_or((), then);
    let thread = thread::Builder::new().name("signals".into());
    thread.spawn(wait).context("start the signal thread")?;
    Ok(())
}

/// On a termination signal, removes what this program created; then dies of the signal (exit
/// status 130, 143 or 129 in the shell).
///
/// # Errors
/// The errors of [`on_signal`].
pub fn clean_up_on_signal() -> anyhow::Result<()> {
    on_signal(|signal| {
        clean_up();
        die_of_signal(signal);
    })
}

/// On a termination signal, removes what this program created; then exits with status 0. Servers
/// use it.
///
/// # Errors
/// The errors of [`on_signal`].
pub fn exit_on_signal() -> anyhow::Result<()> {
    on_signal(|_| {
        clean_up();
        std::process::exit(0);
    })
}

/// Call it first in a forked child: the child gets the default signal mask, and leaves the
/// parent's objects to the parent.
pub fn in_child() {
    // If the parent's signal thread held the lock at the fork, the parent is about to terminate.
    if !forget() {
        die_of_signal(Signal::SIGTERM);
    }
    let _ = SigSet::all().thread_unblock();
}

/// Restores the default action of `signal_number` and raises it, so that the shell sees the cause.
pub fn die_of_signal(signal_number: Signal) -> ! {
    // SAFETY: SIG_DFL installs no handler, so no code of this program runs in signal context.
    let _ = unsafe { signal(signal_number, SigHandler::SigDfl) };
    let _ = SigSet::from(signal_number).thread_unblock();
    let _ = raise(signal_number);
    std::process::exit(128 + signal_number as i32)
}
