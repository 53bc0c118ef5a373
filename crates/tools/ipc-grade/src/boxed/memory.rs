//! How much memory all processes of a box may use together: see cgroups(7).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// In bytes. Files of a box's own file systems count too.
const LIMIT: u64 = 1 << 30;
const PREFIX: &str = "ipc-grade.";

/// A control group of one box, removed when it is dropped.
pub struct Memory(PathBuf);

impl Memory {
    /// A new one; `None` where this process may not make one. Then each process has its own limit alone.
    pub fn new() -> Option<Self> {
        let (parent, file) = hierarchy()?;
        remove_old(&parent);
        let group = parent.join(format!("{PREFIX}{}", std::process::id()));
        fs::create_dir(&group).ok()?;
        let made = Self(group);
        fs::write(made.0.join(file), LIMIT.to_string()).ok()?;
        Some(made)
    }

    /// Its directory.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

/// Where groups are made, and the file that holds the limit: of cgroups version 2 or 1.
fn hierarchy() -> Option<(PathBuf, &'static str)> {
    let unified = Path::new("/sys/fs/cgroup");
    let on = fs::read_to_string(unified.join("cgroup.subtree_control")).unwrap_or_default();
    if on
        .split_whitespace()
        .any(|controller| controller == "memory")
    {
        return Some((unified.to_owned(), "memory.max"));
    }
    let first = unified.join("memory");
    let file = "memory.limit_in_bytes";
    first.join(file).is_file().then_some((first, file))
}

/// Those of graders that were killed. rmdir refuses a group that still holds a process.
fn remove_old(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let pid = name.strip_prefix(PREFIX);
        let gone = |pid: &str| !Path::new("/proc").join(pid).exists();
        if pid.is_some_and(|pid| pid.parse::<u32>().is_ok() && gone(pid)) {
            let _ = fs::remove_dir(entry.path());
        }
    }
}

/// Puts this process, and all that come of it, into the group.
///
/// # Errors
/// When the group has gone.
pub fn join(group: &Path) -> anyhow::Result<()> {
    let processes = group.join("cgroup.procs");
    fs::write(&processes, "0").with_context(|| format!("write {}", processes.display()))
}
