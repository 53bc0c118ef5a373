//! Waiting for a child: every later lesson that forks does it with this.

use anyhow::{Context, bail};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

/// Returns once the child has ended, however long that takes: see waitpid(2). A child that
/// is never waited for stays in the process table, a "zombie", until its parent ends.
///
/// # Errors
/// When the child's exit status is not 0, or a signal killed it.
pub fn reap(child: Pid) -> anyhow::Result<()> {
    match waitpid(child, None).context("waitpid")? {
        WaitStatus::Exited(_, 0) => Ok(()),
        // Nobody reads our output any more: the parent ends as quietly as its child did.
        WaitStatus::Signaled(_, Signal::SIGPIPE, _) => {
            lesson::clean_up();
            lesson::die_of(Signal::SIGPIPE)
        }
        status => bail!("the child failed: {}", how_it_ended(status)),
    }
}

/// A status of waitpid(2) in words.
pub fn how_it_ended(status: WaitStatus) -> String {
    match status {
        WaitStatus::Exited(pid, status) => format!("process {pid} has ended with status {status}"),
        WaitStatus::Signaled(pid, signal, _) => format!("process {pid} was killed by {signal}"),
        other => format!("{other:?}"),
    }
}
