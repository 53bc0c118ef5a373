//! Processes, and where each one lives.

use std::fs;
use std::os::unix::fs::MetadataExt;

use procfs::process::{Process as Entry, all_processes};

/// A process that proc(5) lists now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id, as this process sees it.
    pub pid: i32,
    /// Its parent's id.
    pub parent: i32,
    /// True once it has ended and nobody has waited for it.
    pub is_zombie: bool,
    /// The name that it shows, at most 15 bytes: see `PR_SET_NAME` in prctl(2). It chooses it.
    pub name: String,
    /// The effective user id.
    pub uid: u32,
}

/// All processes that this process can see; one that ends meanwhile is left out.
///
/// # Errors
/// When /proc cannot be read.
pub fn processes() -> anyhow::Result<Vec<Process>> {
    let entries = all_processes()?;
    Ok(entries
        .filter_map(|entry| describe(&entry.ok()?).ok())
        .collect())
}

fn describe(entry: &Entry) -> procfs::ProcResult<Process> {
    let stat = entry.stat()?;
    Ok(Process {
        pid: stat.pid,
        parent: stat.ppid,
        is_zombie: matches!(stat.state, 'Z' | 'X'),
        name: stat.comm,
        uid: entry.uid()?,
    })
}

/// The words that a process was started with; empty for a zombie, or one that has overwritten them.
pub fn command_line(pid: i32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = bytes.split(|byte| *byte == 0);
    let mut words: Vec<_> = words
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    words.pop();
    words
}

/// A namespace, by the number of its file: see namespaces(7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Namespace {
    device: u64,
    inode: u64,
}

impl Namespace {
    /// The pid namespace that a process lives in.
    ///
    /// `None` when the process has ended, also if nobody has waited for it yet, or when this
    /// process may not look at it (ptrace(2), "Ptrace access mode checking").
    pub fn of_pids(pid: i32) -> Option<Self> {
        let file = fs::metadata(format!("/proc/{pid}/ns/pid")).ok()?;
        Some(Self {
            device: file.dev(),
            inode: file.ino(),
        })
    }

    /// The processes that live in it. One that has made a namespace of its own is in another one.
    ///
    /// # Errors
    /// When /proc cannot be read.
    pub fn processes(self) -> anyhow::Result<Vec<Process>> {
        let mut found = processes()?;
        found.retain(|process| Self::of_pids(process.pid) == Some(self));
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_in_its_own_namespace() -> anyhow::Result<()> {
        let own = std::process::id() as i32;
        let namespace = Namespace::of_pids(own);
        let found = namespace.map_or(Ok(Vec::new()), Namespace::processes)?;
        assert!(
            found
                .iter()
                .any(|process| process.pid == own && !process.is_zombie)
        );
        assert_eq!(Namespace::of_pids(i32::MAX), None);
        assert!(!command_line(own).is_empty());
        Ok(())
    }
}
