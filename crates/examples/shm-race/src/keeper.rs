//! A semaphore set that is gone when this process is, however it ends.
//!
//! Memory can be marked for removal while it is in use; a semaphore set cannot, and no kernel
//! removes it when its processes have ended. So a child makes it, and then does nothing but wait for
//! our death.

use std::fs::File;
use std::io::{Read, Write};

use anyhow::{Context, bail};
use nix::sys::signal::Signal::{SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGTERM};
use nix::sys::signal::{SigSet, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork, getpid, pipe};
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
        // Held until the keeper is at work, and inherited: Ctrl-C, Ctrl-\ and the end of the terminal
        // reach all its processes, and the keeper has to survive them.
        let signals = [SIGINT, SIGQUIT, SIGHUP, SIGTERM];
        let signals: SigSet = signals.into_iter().collect();
        signals.thread_block().context("pthread_sigmask")?;
        let (answer, to_parent) = pipe().context("pipe")?;
        let parent = getpid();
        // SAFETY: this process has one thread, so the child can hold no lock of a thread it lacks.
        let keeper = match unsafe { fork() }.context("fork")? {
            ForkResult::Child => {
                drop(answer);
                lesson::end(keep(parent, values, to_parent.into(), &signals))
            }
            ForkResult::Parent { child } => child,
        };
        drop(to_parent);
        let mut id = String::new();
        let read = File::from(answer).read_to_string(&mut id);
        read.context("read from the pipe")?;
        signals.thread_unblock().context("pthread_sigmask")?;
        let Ok(set) = id.parse().map(Semaphores::with_id) else {
            let _ = waitpid(keeper, None);
            bail!("no semaphore set: {id}");
        };
        Ok(Self { set, keeper })
    }
}

/// What the keeper does. It makes the set itself, so that there is no moment, however short, in
/// which the set is there and a `kill -9` of the parent would leave it.
fn keep(parent: Pid, values: &[u16], mut to_parent: File, signals: &SigSet) -> anyhow::Result<()> {
    die_with(parent, SIGTERM)?;
    let set = match Semaphores::private(values) {
        Ok(set) => set,
        Err(error) => return write!(to_parent, "{error:#}").context("write into the pipe"),
    };
    // It fails if the parent has died: then there is a SIGTERM for us, too.
    let _ = write!(to_parent, "{}", set.id());
    drop(to_parent);
    while signals.wait().is_ok_and(|signal| signal != SIGTERM) {}
    // It fails if the parent has removed the set just before it died.
    let _ = set.remove();
    Ok(())
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Err(error) = self.set.remove() {
            lesson::note!("{error:#}");
        }
        let _ = kill(self.keeper, SIGKILL);
        let _ = waitpid(self.keeper, None);
    }
}
