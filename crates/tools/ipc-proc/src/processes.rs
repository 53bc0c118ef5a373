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
    /// True once all of its threads have ended and nobody has waited for it. A process whose first thread
    /// alone has ended also shows the state Z, but it lives.
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
        is_zombie: matches!(stat.state, 'Z' | 'X') && stat.num_threads <= 1,
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
        let of = |path: String| {
            let file = fs::metadata(path).ok()?;
            Some(Self {
                device: file.dev(),
                inode: file.ino(),
            })
        };
        of(format!("/proc/{pid}/ns/pid")).or_else(|| {
            // The first thread may have ended before the others.
            let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten();
            let names = threads.map(|thread| thread.file_name().to_string_lossy().into_owned());
            names
                .filter_map(|tid| of(format!("/proc/{pid}/task/{tid}/ns/pid")))
                .next()
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
    fn a_process_lives_as_long_as_one_of_its_threads() -> anyhow::Result<()> {
        let script = "import os, threading, ctypes\n\
            threading.Thread(target=lambda: os.read(0, 1)).start()\n\
            ctypes.CDLL(None).syscall(60 if os.uname().machine == 'x86_64' else 93, 0)";
        let program = std::process::Command::new("python3")
            .args(["-c", script])
            .stdin(std::process::Stdio::piped())
            .spawn();
        let Ok(mut child) = program else {
            return Ok(()); // no python3 here
        };
        let pid = child.id() as i32;
        let shown = |pid: i32| -> anyhow::Result<Option<Process>> {
            Ok(processes()?.into_iter().find(|process| process.pid == pid))
        };
        let is_z = || {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.rsplit_once(") ")
                .is_some_and(|(_, rest)| rest.starts_with('Z'))
        };
        // Until its first thread has ended; no event tells.
        let begin = std::time::Instant::now();
        while !is_z() && begin.elapsed().as_secs() < 20 {
            std::thread::yield_now();
        }
        assert!(is_z() && shown(pid)?.is_some_and(|process| !process.is_zombie));
        assert!(Namespace::of_pids(pid).is_some());
        drop(child.stdin.take());
        child.wait()?;
        assert_eq!(shown(pid)?, None);
        Ok(())
    }

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
