//! The end of a test at level 2: nothing of that uid stays.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};
use lesson::poll_until;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid, setgroups, setresuid};

use super::uid::processes_of;

/// Where every user may write, on an ordinary machine.
const SHARED: [&str; 6] = [
    "/dev/shm",
    "/dev/mqueue",
    "/tmp",
    "/var/tmp",
    "/run/lock",
    "/run/shm",
];

/// Kills every process of that uid and removes the objects and files that it owns, but for these two
/// directories: the test's, and the one that holds the programs.
///
/// # Errors
/// When a process survives SIGKILL, or the tables of System V objects cannot be read.
pub fn sweep(uid: u32, spared: &[&Path]) -> anyhow::Result<()> {
    kill_all(uid)?;
    for object in ipc_proc::system_v()? {
        // The owner can give it away (IPC_SET): who made it counts too.
        if object.owner == uid || object.creator == uid {
            let option = match object.kind {
                ipc_proc::Kind::Queue => "-q",
                ipc_proc::Kind::Segment => "-m",
                ipc_proc::Kind::Semaphores => "-s",
            };
            let removed = Command::new("ipcrm")
                .args([option, &object.id.to_string()])
                .status();
            removed.with_context(|| format!("run ipcrm {option} {}", object.id))?;
        }
    }
    for directory in SHARED {
        remove_below(Path::new(directory), uid, spared);
    }
    Ok(())
}

fn kill_all(uid: u32) -> anyhow::Result<()> {
    let program = std::env::current_exe().context("the path of this program")?;
    let gone = poll_until(Duration::from_secs(10), || {
        if processes_of(uid)?.is_empty() {
            return Ok(Some(()));
        }
        let mut killer = Command::new(&program);
        let done = killer
            .args(["kill-all", "--uid", &uid.to_string()])
            .status();
        done.context("run ipc-grade kill-all")?;
        Ok(None)
    })?;
    ensure!(gone.is_some(), "processes of uid {uid} survive SIGKILL");
    Ok(())
}

/// Kills all processes of that uid at once. A fork bomb makes new ones as fast as they are killed one by
/// one, but kill(2) with -1 takes all together that the caller may signal: so the caller's effective uid
/// is theirs. Its real and its saved uid are another one that no process has, so that they may not signal it.
///
/// # Errors
/// When this process is not root.
pub fn kill_all_of(uid: u32) -> anyhow::Result<()> {
    let (own, theirs) = (Uid::from_raw(uid + NOBODY_ELSE), Uid::from_raw(uid));
    setgroups(&[]).context("setgroups")?;
    setresuid(own, theirs, own).context("setresuid")?;
    match kill(Pid::from_raw(-1), Signal::SIGKILL) {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(errno) => Err(errno).context("kill -1"),
    }
}

/// So far above a submission's uid lies that of the process which kills its processes.
const NOBODY_ELSE: u32 = 5_000;

/// Removes what that uid owns in a directory. Links are removed, never followed.
fn remove_below(directory: &Path, uid: u32, spared: &[&Path]) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        let is_spared = spared.iter().any(|spared| spared.starts_with(&path));
        if metadata.uid() != uid || is_spared {
            continue;
        }
        let _ = match metadata.is_dir() {
            true => fs::remove_dir_all(&path),
            false => fs::remove_file(&path),
        };
    }
}
