//! A semaphore set that is gone when this process is, however it ends.
//!
//! Memory can be marked for removal while it is in use; a semaphore set cannot, and no kernel
//! removes it when its processes have ended. So a child does nothing but wait for our death.

use anyhow::Context;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork, getpid};
use sysv_sem::Semaphores;

use crate::workers::die_with;

/// The set, and the process that removes it if this one does not get to it.
pub struct Kept {
    /// For this process, and the children it forks.
    pub set: Semaphores,
    keeper: Pid,
}

impl Kept {
    /// Makes both: one semaphore for each value.
    ///
    /// # Errors
    /// When the kernel allows no more of them.
    pub fn semaphores(values: &[u16]) -> anyhow::Result<Self> {
        // Held, so that nothing ends us between the two, and inherited: Ctrl-C reaches all
        // processes of this terminal, and the keeper has to survive it.
        let signals: SigSet = [Signal::SIGINT, Signal::SIGTERM].into_iter().collect();
        signals.thread_block().context("pthread_sigmask")?;
        let set = Semaphores::private(values)?;
        let parent = getpid();
        // SAFETY: this process has one thread, so the child can hold no lock of a thread it lacks.
        let keeper = match unsafe { fork() } {
            Ok(ForkResult::Child) => {
                let told = die_with(parent, Signal::SIGTERM);
                while told.is_ok() && signals.wait() == Ok(Signal::SIGINT) {}
                lesson::end(set.remove())
            }
            Ok(ForkResult::Parent { child }) => child,
            Err(errno) => {
                set.remove()?;
                return Err(errno).context("fork");
            }
        };
        let kept = Self { set, keeper };
        signals.thread_unblock().context("pthread_sigmask")?;
        Ok(kept)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Err(error) = self.set.remove() {
            lesson::note!("{error:#}");
        }
        let _ = kill(self.keeper, Signal::SIGKILL);
        let _ = waitpid(self.keeper, None);
    }
}
