//! Waiting for a child: every later lesson that forks does it with this.

use anyhow::{Context, ensure};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

/// Returns once the child has ended, however long that takes: see waitpid(2). A child that
/// is never waited for stays in the process table, a "zombie", until its parent ends.
///
/// # Errors
/// When the child's exit status is not 0, or a signal killed it.
pub fn reap(child: Pid) -> anyhow::Result<()> {
    let status = waitpid(child, None).context("waitpid")?;
    ensure!(
        status == WaitStatus::Exited(child, 0),
        "the child failed: {status:?}"
    );
    Ok(())
}
