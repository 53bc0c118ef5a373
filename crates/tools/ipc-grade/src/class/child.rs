//! The grader of one submission, as a process of its own.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

use super::scratch::Scratch;
use crate::bench;
use crate::grade::How;

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

    /// Runs `ipc-grade grade` and says how it ended. What it has to say goes into grader.log.
    pub fn grade(
        &self,
        submission: &Path,
        out: &Path,
        how: &How,
        scratch: &Scratch,
    ) -> anyhow::Result<String> {
        let log = out.join("grader.log");
        let errors = File::create(&log).with_context(|| format!("create {}", log.display()))?;
        let folder = scratch.folder()?;
        let program = std::env::current_exe().context("the path of this program")?;
        let mut words: Vec<OsString> = vec!["grade".into(), "--out".into(), out.into()];
        words.extend(how.words());
        words.extend(["--".into(), submission.into()]);
        let mut command = Command::new(program);
        command
            .args(words)
            .env("TMPDIR", folder.path())
            .env("IPC_LAB_TMP", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(errors)
            // Ctrl-C comes to this program alone, which ends them in order.
            .process_group(0);
        // SAFETY: prctl is a system call that touches no memory of this process.
        unsafe {
            // Killed, this program takes its graders along: the next run starts anew.
            command.pre_exec(|| Ok(set_pdeathsig(Signal::SIGTERM)?));
        }
        let mut child = {
            let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let child = bench::spawn(&mut command).context("run ipc-grade grade")?;
            running.insert(child.id() as i32);
            child
        };
        // Not reaped while its pid is in the set: until then nobody else can get that pid.
        let pid = child.id() as i32;
        let exited = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
        waitid(Id::Pid(Pid::from_raw(pid)), exited).context("waitid")?;
        {
            let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            running.remove(&pid);
        }
        let status = child.wait().context("waitpid")?;
        let says = fs::read_to_string(&log).unwrap_or_default();
        let last = says.lines().last().unwrap_or("").trim().to_owned();
        Ok(format!("ipc-grade ended: {status}; {last}"))
    }
}
