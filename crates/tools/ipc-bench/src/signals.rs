//! Ctrl-C, Ctrl-\, `kill` and a terminal that is closed while there is something to remove, without a thread that waits for them: see
//! partner.rs for what a thread would cost.

use std::os::fd::{AsFd, BorrowedFd};

use anyhow::Context;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// What ends a program that is used as it should be.
pub const ENDS: [Signal; 4] = [
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGQUIT,
];

/// While this is held [`ENDS`] wait. When it is dropped the process dies of one that has come.
///
/// Hold it before making what outlives the process, so that it is dropped after that is removed.
pub struct Held {
    before: SigSet,
    arrived: SignalFd,
}

impl Held {
    /// From now on.
    ///
    /// # Errors
    /// When there is no room for one more descriptor.
    pub fn hold() -> anyhow::Result<Self> {
        // One that is ignored (a script's background job ignores SIGINT) would arrive all the same.
        let signals: SigSet = ENDS
            .into_iter()
            .filter(|it| !lesson::ignored(*it))
            .collect();
        let arrived = SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC).context("signalfd")?;
        let before = signals.thread_swap_mask(SigmaskHow::SIG_BLOCK);
        let before = before.context("pthread_sigmask")?;
        Ok(Self { before, arrived })
    }

    /// Can be read once a signal has come (it is not to be read: then it would be gone). See signalfd(2).
    pub fn arrived(&self) -> BorrowedFd<'_> {
        self.arrived.as_fd()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.before.thread_set_mask();
    }
}
