//! The second process: how the first one notices that it has died, and the other way round.
//!
//! Neither would see an end-of-file: both have the other's end of some mechanisms open, and memory has
//! no end that could close. So each has a thread that sleeps until the other process has ended.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, ensure};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::mechanism::Remove;

/// How long a run may take beyond its measured time; then its partner is lost.
pub const LIMIT: Duration = Duration::from_secs(10);

/// The child, as the parent sees it.
pub struct Partner {
    pid: Pid,
    /// The main thread has come back from the conversation.
    returned: Arc<AtomicBool>,
    thread: JoinHandle<nix::Result<WaitStatus>>,
}

impl Partner {
    /// Waits for it in a thread. If it is killed or late, or fails while the main thread goes on
    /// sleeping or spinning, this process ends, with what it has made.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn watch(pid: Pid, limit: Duration) -> anyhow::Result<Self> {
        let returned = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&returned);
        let wait = move || {
            let late = !ends_within(pid, Some(limit)).unwrap_or(true);
            if late {
                let _ = kill(pid, Signal::SIGKILL);
            }
            let status = waitpid(pid, None);
            let alone = match status {
                _ if late => Some("is late"),
                Ok(WaitStatus::Exited(_, 0) | WaitStatus::Signaled(_, Signal::SIGUSR1, _)) => None,
                Ok(WaitStatus::Signaled(..)) => Some("was killed"),
                // Mostly the main thread notices: by an end-of-file, by a time limit.
                _ => {
                    let back = || Ok(seen.load(Ordering::Acquire).then_some(()));
                    let back = lesson::poll_until(LIMIT, back).ok().flatten();
                    back.is_none().then_some("has failed")
                }
            };
            if let Some(why) = alone {
                lesson::note!("Error: the second process {why}: nothing more was measured");
                lesson::clean_up();
                process::exit(1);
            }
            status
        };
        let thread = thread::Builder::new().name("partner".into()).spawn(wait);
        Ok(Self {
            pid,
            returned,
            thread: thread.context("start a thread")?,
        })
    }

    /// The conversation is over. If it went well the child ends by itself, otherwise it is ended.
    ///
    /// # Errors
    /// When the child says that it has failed.
    pub fn end(self, well: bool) -> anyhow::Result<()> {
        self.returned.store(true, Ordering::Release);
        if !well {
            // By this signal the thread knows who has done it.
            let _ = kill(self.pid, Signal::SIGUSR1);
        }
        let status = self.thread.join().ok().context("the thread panics")?;
        let status = status.context("waitpid")?;
        ensure!(
            !well || status == WaitStatus::Exited(self.pid, 0),
            "the second process has failed"
        );
        Ok(())
    }
}

/// In the child: when the parent is gone, also by kill -9, what nobody else would remove is removed,
/// and the child ends.
///
/// # Errors
/// When there is no thread to be had.
pub fn end_after(parent: u32, remove: Option<Remove>) -> anyhow::Result<()> {
    let wait = move || {
        // An error: it has gone already.
        let _ = ends_within(Pid::from_raw(parent as i32), None);
        if let Some(remove) = remove {
            remove();
        }
        process::exit(1);
    };
    let thread = thread::Builder::new().name("parent".into()).spawn(wait);
    thread.context("start a thread")?;
    Ok(())
}

/// Sleeps until that process has ended, for so long at most: whether it has. See pidfd_open(2).
fn ends_within(pid: Pid, limit: Option<Duration>) -> nix::Result<bool> {
    // SAFETY: pidfd_open takes no pointer.
    let pidfd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) };
    let pidfd = Errno::result(pidfd)? as i32;
    let mut poll = libc::pollfd {
        fd: pidfd,
        events: libc::POLLIN,
        revents: 0,
    };
    let limit = limit.map_or(-1, |it| it.as_millis() as i32);
    // SAFETY: one pollfd, which outlives the call.
    let ready = Errno::result(unsafe { libc::poll(&mut poll, 1, limit) });
    // SAFETY: it is this function's own.
    unsafe { libc::close(pidfd) };
    Ok(ready? > 0)
}
