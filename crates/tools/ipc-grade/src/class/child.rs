//! The grader of one submission, as a process of its own.

use std::collections::HashSet;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::Context;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

use super::log::Log;
use super::scratch::Scratch;
use crate::bench;
use crate::claim::Claim;
use crate::grade::How;

/// What a grader gets of this program's environment; TMPDIR is its own. By IPC_LAB_TEST our own tests
/// find the processes that they have started.
const ENVIRONMENT: [&str; 7] = [
    "PATH",
    "HOME",
    "LANG",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "CARGO_TARGET_DIR",
    "IPC_LAB_TEST",
];

/// The graders that run now.
#[derive(Clone, Default)]
pub struct Children(Arc<Mutex<HashSet<i32>>>);

impl Children {
    /// Ctrl-C and SIGTERM end the graders first, then remove their scratch, then end this program.
    pub fn end_on_signal(&self) -> anyhow::Result<()> {
        let children = self.clone();
        lesson::on_signal(move |signal| {
            // The lock is kept: from now on no other grader is started, and none is reaped.
            let running = children.0.lock().unwrap_or_else(PoisonError::into_inner);
            for pid in running.iter().map(|it| Pid::from_raw(*it)) {
                // It ends its own children first.
                let _ = kill(pid, Signal::SIGTERM);
                let _ = waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT);
            }
            bench::end_all();
            lesson::die_of(signal);
        })
    }

    /// Runs `ipc-grade grade` and says how it ended. What it has to say goes into grader.log, and the lock
    /// of its directory of results is handed down to it.
    pub fn grade(
        &self,
        submission: &Path,
        out: &Path,
        how: &How,
        scratch: &Scratch,
        claim: &Claim,
    ) -> anyhow::Result<String> {
        let log = Log::new(&out.join("grader.log"))?;
        let folder = scratch.folder()?;
        let program = std::env::current_exe().context("the path of this program")?;
        let mut words: Vec<OsString> = vec!["grade".into(), "--out".into(), out.into()];
        words.extend(how.words());
        words.extend(["--".into(), submission.into()]);
        let mut command = Command::new(program);
        let kept = |name: &&'static str| Some((*name, std::env::var_os(name)?));
        command
            .args(words)
            .env_clear()
            .envs(ENVIRONMENT.iter().filter_map(kept))
            .env("TMPDIR", folder.path())
            .env("IPC_LAB_TMP", folder.path())
            .stdin(claim.hand_down()?)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // Ctrl-C comes to this program alone, which ends them in order.
            .process_group(0);
        // SAFETY: prctl, close_range and fcntl are system calls that touch no memory of this process.
        unsafe {
            command.pre_exec(|| {
                // Killed, this program takes its graders along: the next run starts anew.
                set_pdeathsig(Signal::SIGTERM)?;
                close_at_exec();
                Ok(())
            });
        }
        let mut child = {
            let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let child = bench::spawn(&mut command).context("run ipc-grade grade")?;
            running.insert(child.id() as i32);
            child
        };
        let pid = child.id() as i32;
        let errors = child.stderr.take().context("a grader's errors")?;
        let ended = AtomicBool::new(false);
        let last = thread::scope(|scope| {
            let copied = scope.spawn(|| log.copy(errors, &ended));
            // Not reaped while its pid is in the set: until then no other process can get that pid.
            let exited = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
            let waited = waitid(Id::Pid(Pid::from_raw(pid)), exited).context("waitid");
            ended.store(true, Ordering::Release);
            let copied = copied.join();
            waited?;
            copied.map_err(|_| anyhow::anyhow!("the copying of grader.log panicked"))?
        })?;
        {
            let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            running.remove(&pid);
        }
        let status = child.wait().context("waitpid")?;
        Ok(format!("ipc-grade ended: {status}; {last}"))
    }
}

/// Every descriptor above standard error is closed at exec: also what this program has inherited.
fn close_at_exec() {
    let flag = libc::CLOSE_RANGE_CLOEXEC as libc::c_int;
    // SAFETY: a system call that touches no memory of this process.
    if unsafe { libc::close_range(3, libc::c_uint::MAX, flag) } == 0 {
        return;
    }
    // Before Linux 5.11.
    for descriptor in 3..4096 {
        // SAFETY: a system call that touches no memory of this process; EBADF does no harm.
        unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}
