//! The commands that have been started, until the last of them has ended.

use std::ffi::OsString;
use std::os::fd::OwnedFd;

use anyhow::Context;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};

use crate::command::become_command;

/// In their order, each with its exit status once it has been waited for.
pub struct Running {
    commands: Vec<(Pid, Option<u8>)>,
    signals: SigSet,
    mask: SigSet,
}

impl Running {
    /// Blocks the signals that `wait` receives: none of them is lost before it is called.
    pub fn none() -> anyhow::Result<Self> {
        let signals: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGCHLD]
            .into_iter()
            .collect();
        let mask = signals
            .thread_swap_mask(SigmaskHow::SIG_BLOCK)
            .context("pthread_sigmask")?;
        Ok(Self {
            commands: Vec::new(),
            signals,
            mask,
        })
    }

    /// Starts one more.
    pub fn start(
        &mut self,
        command: &[OsString],
        stdin: Option<&OwnedFd>,
        stdout: Option<&OwnedFd>,
    ) -> anyhow::Result<()> {
        // SAFETY: this process has one thread, so the child can hold no lock of a thread it lacks.
        match unsafe { fork() }.context("fork")? {
            ForkResult::Parent { child } => self.commands.push((child, None)),
            ForkResult::Child => {
                lesson::end(become_command(command, stdin, stdout, &self.mask));
            }
        }
        Ok(())
    }

    /// Sends the signal to all that still run. One that has not been waited for keeps its pid, so
    /// no other process can have it.
    pub fn tell(&self, signal: Signal) -> anyhow::Result<()> {
        for (pid, status) in &self.commands {
            if status.is_none() {
                kill(*pid, signal).with_context(|| format!("kill {pid}"))?;
            }
        }
        Ok(())
    }

    /// Sleeps until all have ended, and passes SIGINT and SIGTERM on meanwhile: the statuses.
    pub fn wait(&mut self) -> anyhow::Result<Vec<u8>> {
        loop {
            let statuses: Option<Vec<u8>> = self.commands.iter().map(|it| it.1).collect();
            if let Some(statuses) = statuses {
                return Ok(statuses);
            }
            match self.signals.wait().context("sigwait")? {
                // One SIGCHLD may stand for several children.
                Signal::SIGCHLD => self.reap()?,
                signal => self.tell(signal)?,
            }
        }
    }

    fn reap(&mut self) -> anyhow::Result<()> {
        for (pid, status) in self.commands.iter_mut().filter(|it| it.1.is_none()) {
            let ended = waitpid(*pid, Some(WaitPidFlag::WNOHANG));
            match ended.with_context(|| format!("waitpid {pid}"))? {
                WaitStatus::Exited(_, code) => *status = Some(code.to_le_bytes()[0]),
                WaitStatus::Signaled(_, signal, _) => *status = Some(128 + signal as u8),
                _ => {} // It still runs, or has been stopped.
            }
        }
        Ok(())
    }
}
