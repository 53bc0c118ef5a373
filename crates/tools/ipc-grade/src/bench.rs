//! Where a grader works, and what ends with it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use lesson::poll_until;
use nix::errno::Errno;
use nix::sys::prctl::set_child_subreaper;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use tempfile::TempDir;

/// On SIGINT or SIGTERM everything that this process has started ends, what it has made is removed,
/// and then it dies of that signal. Call it first in `main`.
///
/// # Errors
/// When the signals cannot be blocked or the thread cannot be started.
pub fn end_all_on_signal() -> anyhow::Result<()> {
    lesson::on_signal(|signal| {
        end_all();
        lesson::die_of(signal);
    })?;
    // Orphans below this process become its children: none gets lost.
    set_child_subreaper(true).context("prctl PR_SET_CHILD_SUBREAPER")
}

/// Ends everything that this process has started, and removes what it has made. From then on it
/// starts and makes nothing.
pub fn end_all() {
    // The newest is removed first: after this one the others can be.
    std::mem::forget(lesson::making().remove_at_end(end_descendants));
    lesson::clean_up();
}

/// A folder below the temporary one. When it is dropped, or on a signal, it goes.
pub struct Bench {
    folder: PathBuf,
    _made: lesson::Made,
}

impl Bench {
    /// A new one.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new() -> anyhow::Result<Self> {
        let making = lesson::making();
        let folder = TempDir::with_prefix("ipc-grade.")
            .context("make a temporary folder")?
            .keep();
        let made = folder.clone();
        let _made = making.remove_at_end(move || {
            if let Err(error) = fs::remove_dir_all(&made) {
                lesson::note!("rm -r {}: {error}", made.display());
            }
        });
        // Programs under another uid must find what lies in it.
        let open = fs::Permissions::from_mode(0o711);
        fs::set_permissions(&folder, open)
            .with_context(|| format!("chmod {}", folder.display()))?;
        Ok(Self { folder, _made })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }
}

/// The children that this process has started: until it has waited for them they are no orphans.
static STARTED: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

fn started() -> MutexGuard<'static, Vec<Pid>> {
    STARTED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a program that this one starts gets of its environment, and nothing else: the caller's secrets
/// are nobody's business.
pub fn environment() -> impl Iterator<Item = (&'static str, OsString)> {
    let kept = ["PATH", "HOME", "LANG", "CARGO_HOME", "RUSTUP_HOME"];
    kept.into_iter()
        .filter_map(|name| Some((name, std::env::var_os(name)?)))
}

/// Starts it, unless a signal is ending this process: then it is too late.
///
/// # Errors
/// As [`Command::spawn`].
pub fn spawn(command: &mut Command) -> std::io::Result<Child> {
    let _making = lesson::making();
    // What waits for signals here has them blocked, and a program that is started would inherit that.
    // SAFETY: pthread_sigmask is on the list of signal-safety(7).
    unsafe { command.pre_exec(|| Ok(SigSet::empty().thread_set_mask()?)) };
    // The lock is held until it is known whose the new child is: that is no orphan.
    let mut started = started();
    let child = command.spawn()?;
    started.push(Pid::from_raw(child.id() as i32));
    Ok(child)
}

/// Runs it to its end, and says how it ended.
///
/// # Errors
/// As [`Command::status`].
pub fn status(command: &mut Command) -> std::io::Result<ExitStatus> {
    let ended = spawn(command)?.wait();
    stay_if_ending();
    ended
}

/// Runs it to its end, and says what it has printed; it has no input.
///
/// # Errors
/// As [`Command::output`].
pub fn output(command: &mut Command) -> std::io::Result<Output> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let printed = spawn(command)?.wait_with_output();
    stay_if_ending();
    printed
}

/// Returns, unless a signal is ending this process: then that has ended the child, and this stays here.
fn stay_if_ending() {
    drop(lesson::making());
}

/// Waits that long for its end, and says how it ended; then ends all that it has started, and if it
/// is late, itself: it has no status then.
///
/// # Errors
/// When it cannot be waited for.
pub fn wait(child: &mut Child, limit: Duration) -> anyhow::Result<Option<ExitStatus>> {
    // waitpid has no time limit, so this polls.
    let ended = poll_until(limit, || {
        reap_orphans();
        child.try_wait().context("waitpid")
    })?;
    // If a signal is ending this process, that has ended the child: then this stays here.
    let making = lesson::making();
    end_descendants();
    if ended.is_none() {
        child.wait().context("waitpid")?;
    }
    drop(making);
    Ok(ended)
}

/// Orphans that have ended must be waited for: the init of a pid namespace ends after the last process
/// in it, also after one whose parent was outside, and that is now this process.
fn reap_orphans() {
    let mut started = started();
    let path = format!("/proc/self/task/{}/children", std::process::id());
    let text = fs::read_to_string(path).unwrap_or_default();
    let children: Vec<_> = text
        .split_ascii_whitespace()
        .filter_map(|it| it.parse().map(Pid::from_raw).ok())
        .collect();
    // Who has been waited for may come again, as another process with the same pid.
    started.retain(|it| children.contains(it));
    for pid in children.iter().filter(|it| !started.contains(it)) {
        let _ = waitpid(*pid, Some(WaitPidFlag::WNOHANG));
    }
}

/// Ends all processes that this one has started, and that these have started.
fn end_descendants() {
    // Again and again: one that is killed may have been in the middle of a fork. No event tells that
    // somebody else's children have gone, so this polls.
    let gone = || {
        let alive = descendants();
        for pid in &alive {
            match kill(*pid, Signal::SIGKILL) {
                Ok(()) | Err(Errno::ESRCH) => {}
                Err(errno) => lesson::note!("kill {pid}: {errno}"),
            }
        }
        reap_orphans();
        Ok(alive.is_empty().then_some(()))
    };
    let _ = poll_until(Duration::from_secs(10), gone);
}

/// Parents before their children, without zombies.
fn descendants() -> Vec<Pid> {
    let all = ipc_proc::processes().unwrap_or_default();
    let mut family = vec![std::process::id() as i32];
    let mut next = 0;
    while let Some(&parent) = family.get(next) {
        let alive = all
            .iter()
            .filter(|process| process.parent == parent && !process.is_zombie);
        family.extend(alive.map(|process| process.pid));
        next += 1;
    }
    family.into_iter().skip(1).map(Pid::from_raw).collect()
}
