//! A uid that no user has, for the programs and the builds of one submission.

use std::fs::{self, File, OpenOptions};
use std::ops::Range;
use std::os::unix::fs::OpenOptionsExt;

use anyhow::{Context, bail};
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::{Pid, Uid, User};

use crate::exercise::Project;

/// Where it looks for a uid that no user has.
const UIDS: Range<u32> = 61_000..65_000;

/// A uid that no user has and no process runs under; another one for each grader that runs now.
///
/// `None` where this process is not root, or its user namespace has no such uid.
///
/// # Errors
/// When all of them are taken.
pub fn unused() -> anyhow::Result<Option<u32>> {
    if !Uid::effective().is_root() || !is_mapped(UIDS)? {
        return Ok(None);
    }
    let first = UIDS.start + std::process::id() % 3_000;
    // Two graders must never have the same uid: each locks a file for its own until it ends.
    let shelf = Project::find()?.0.join("target/ipc-grade/uids");
    fs::create_dir_all(&shelf).with_context(|| format!("mkdir {}", shelf.display()))?;
    for uid in (first..UIDS.end).filter(|uid| is_free(*uid)) {
        let path = shelf.join(uid.to_string());
        let file = private(&path).with_context(|| format!("create {}", path.display()))?;
        if let Ok(lock) = Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            std::mem::forget(lock);
            return Ok(Some(uid));
        }
    }
    bail!("no unused uid below {}", UIDS.end)
}

/// A file to lock. A submission that could open it could take the lock.
pub fn private(path: &std::path::Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    options.custom_flags(libc::O_NOFOLLOW).open(path)
}

/// Whether this process's user namespace has these users. That of an ordinary user, who is root in it,
/// usually has no other one. See user_namespaces(7).
fn is_mapped(uids: Range<u32>) -> anyhow::Result<bool> {
    let path = "/proc/self/uid_map";
    let map = fs::read_to_string(path).with_context(|| format!("read {path}"))?;
    // Each line: the first uid here, the one that it is outside, how many.
    Ok(map.lines().any(|line| {
        let numbers = line.split_whitespace().map(str::parse);
        let numbers: Vec<u64> = numbers.filter_map(Result::ok).collect();
        matches!(numbers[..], [first, _, count]
            if first <= uids.start.into() && u64::from(uids.end) <= first + count)
    }))
}

fn is_free(uid: u32) -> bool {
    let user = User::from_uid(Uid::from_raw(uid));
    matches!(user, Ok(None)) && processes_of(uid).is_ok_and(|pids| pids.is_empty())
}

/// The processes that run under that uid, without zombies.
///
/// # Errors
/// When /proc cannot be read.
pub fn processes_of(uid: u32) -> anyhow::Result<Vec<Pid>> {
    let all = ipc_proc::processes()?.into_iter();
    let theirs = all.filter(|process| process.uid == uid && !process.is_zombie);
    Ok(theirs.map(|process| Pid::from_raw(process.pid)).collect())
}

/// setpriv(1) to a uid that owns nothing.
pub fn become_uid(uid: u32) -> [String; 4] {
    [
        "setpriv".into(),
        format!("--reuid={uid}"),
        format!("--regid={uid}"),
        "--clear-groups".into(),
    ]
}
