//! Where a box is, for the commands that enter it or look into it.

use std::fs;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::PathBuf;

use anyhow::Context;
use nix::errno::Errno;
use nix::sched::{CloneFlags, setns};
use nix::sys::prctl;
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};

/// A box, in the words of a command line.
#[derive(clap::Args, Debug, Clone)]
pub struct Place {
    /// The level of isolation; 3 is none
    #[arg(long, default_value_t = 3)]
    pub level: u8,
    /// The uid of the programs
    #[arg(long)]
    pub uid: Option<u32>,
    /// The process that the box's namespaces belong to
    #[arg(long, value_name = "PID")]
    pub init: Option<i32>,
    /// The process that only keeps the box
    #[arg(long, value_name = "PID")]
    pub keeper: Option<i32>,
    /// The test's directory, as the programs see it
    #[arg(long, default_value = ".")]
    pub dir: PathBuf,
}

impl Place {
    /// The same as words of a command line.
    pub fn words(&self) -> Vec<String> {
        let mut words = vec![format!("--level={}", self.level)];
        words.extend(self.uid.map(|uid| format!("--uid={uid}")));
        words.extend(self.init.map(|pid| format!("--init={pid}")));
        words.extend(self.keeper.map(|pid| format!("--keeper={pid}")));
        words.push(format!("--dir={}", self.dir.display()));
        words
    }

    /// The test's directory, as a process outside sees it.
    pub fn seen(&self) -> PathBuf {
        self.outside(&self.dir.to_string_lossy())
    }

    /// A path of the box, as a process outside sees it.
    pub fn outside(&self, path: &str) -> PathBuf {
        match self.init {
            Some(pid) => PathBuf::from(format!("/proc/{pid}/root{path}")),
            None => PathBuf::from(path),
        }
    }

    /// Takes the uid of the programs. From then on this process may still not be looked at.
    ///
    /// # Errors
    /// When this process may not do that.
    pub fn become_student(&self) -> anyhow::Result<()> {
        if let Some(uid) = self.uid {
            let (user, group) = (Uid::from_raw(uid), Gid::from_raw(uid));
            setgroups(&[]).context("setgroups")?;
            setresgid(group, group, group).context("setresgid")?;
            setresuid(user, user, user).context("setresuid")?;
        }
        // A change of rights may have set it again: see prctl(2).
        hide()
    }

    /// Joins namespaces of the box; there are none at level 2.
    ///
    /// # Errors
    /// When the box has ended, or this process has no right to.
    pub fn join(&self, which: CloneFlags) -> anyhow::Result<()> {
        let Some(init) = self.init else {
            return Ok(());
        };
        let process = pidfd_open(init).with_context(|| format!("pidfd_open of process {init}"))?;
        // All at once, so that the rights that the user namespace gives count for the others.
        setns(process, which).with_context(|| format!("setns to those of process {init}"))?;
        hide()
    }
}

/// No process without all rights over this one can now look at it, read its descriptors or its memory:
/// see ptrace(2), "Ptrace access mode checking". execve ends that.
///
/// # Errors
/// Never on Linux.
pub fn hide() -> anyhow::Result<()> {
    prctl::set_dumpable(false).context("prctl PR_SET_DUMPABLE")
}

/// Closes every descriptor but the standard streams: what the caller has open is no business of this
/// program's, and none of what it starts.
///
/// # Errors
/// When the kernel is older than 5.9 and /proc is not mounted.
pub fn close_inherited() -> anyhow::Result<()> {
    // SAFETY: it closes descriptors that nothing in this process has opened: main has just begun.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, 0u32) };
    if closed == 0 {
        return Ok(());
    }
    let open = fs::read_dir("/proc/self/fd").context("read /proc/self/fd")?;
    let open: Vec<i32> = open
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|fd| *fd > 2)
        .collect();
    for fd in open {
        // SAFETY: as above; the directory's own descriptor has been closed already.
        unsafe { libc::close(fd) };
    }
    Ok(())
}

fn pidfd_open(pid: i32) -> nix::Result<OwnedFd> {
    // SAFETY: the call takes two numbers.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let fd = Errno::result(fd)? as i32;
    // SAFETY: the kernel has just returned it, and nothing else owns it.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    debug_assert!(fd.as_raw_fd() > 2);
    Ok(fd)
}
