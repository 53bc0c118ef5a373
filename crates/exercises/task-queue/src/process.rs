//! The end of a process that is no child of ours. There is nothing to do in this file.

use std::os::fd::{AsFd, FromRawFd, OwnedFd};

use anyhow::Context;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::Pid;

/// Sleeps until that process has ended, however it ends.
///
/// # Errors
/// When the kernel cannot watch it.
pub fn wait_until_gone(pid: Pid) -> anyhow::Result<()> {
    let what = || format!("pidfd_open {pid}");
    // SAFETY: pidfd_open(2) takes a pid and flags, no pointer.
    let opened = Errno::result(unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) });
    let descriptor = match opened {
        Err(Errno::ESRCH) => return Ok(()), // It has gone already.
        opened => i32::try_from(opened.with_context(what)?).with_context(what)?,
    };
    // SAFETY: the kernel has just made this descriptor, and nobody else has it.
    let process = unsafe { OwnedFd::from_raw_fd(descriptor) };
    // Readable means: the process has ended.
    let mut wait = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
    while let Err(errno) = poll(&mut wait, PollTimeout::NONE) {
        if errno != Errno::EINTR {
            return Err(errno).with_context(|| format!("poll the pidfd of {pid}"));
        }
    }
    Ok(())
}
