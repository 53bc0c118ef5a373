//! Processes that do the same work at the same time.

use std::fs::File;
use std::io::Read;

use anyhow::{Context, ensure};
use fork_isolation::how_it_ended;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, getpid, getppid, pipe};

/// The children that have not been waited for; whatever goes wrong, none of them runs on.
struct Workers(Vec<Pid>);

impl Drop for Workers {
    fn drop(&mut self) {
        for child in &self.0 {
            let _ = kill(*child, Signal::SIGKILL);
            let _ = waitpid(*child, None);
        }
    }
}

/// Forks `number` processes, has all of them `work`, and waits for them. Each is told which one
/// it is, from 0 on.
///
/// # Errors
/// When they cannot be made, or one of them fails or is killed.
pub fn run(number: u32, work: impl Fn(u32) -> anyhow::Result<()>) -> anyhow::Result<()> {
    // Nobody writes into this pipe. Its end-of-file is the start for all of them at once;
    // otherwise the first would be done before the last one exists.
    let (gate, closed) = pipe().context("pipe")?;
    let parent = getpid();
    let mut workers = Workers(Vec::new());
    for worker in 0..number {
        // SAFETY: this process has one thread, so the child can hold no lock of a thread it lacks.
        match unsafe { fork() }.context("fork")? {
            ForkResult::Child => {
                drop(closed);
                lesson::end(start(parent, gate.into()).and_then(|()| work(worker)))
            }
            ForkResult::Parent { child } => workers.0.push(child),
        }
    }
    drop(closed);
    while !workers.0.is_empty() {
        let status = waitpid(None, None).context("waitpid")?;
        // None of these is the keeper, whose end is a failure as well.
        workers.0.retain(|worker| Some(*worker) != status.pid());
        if matches!(status, WaitStatus::Signaled(_, Signal::SIGPIPE, _)) {
            // Nobody reads our output any more: this process ends as quietly as its child did.
            drop(workers);
            lesson::die_of(Signal::SIGPIPE);
        }
        ensure!(
            matches!(status, WaitStatus::Exited(_, 0)),
            "a child failed: {}",
            how_it_ended(status)
        );
    }
    Ok(())
}

/// A child waits here until the gate opens.
fn start(parent: Pid, mut gate: File) -> anyhow::Result<()> {
    die_with(parent, Signal::SIGKILL)?;
    let end = gate.read_to_end(&mut Vec::new());
    end.context("read from the pipe").map(drop)
}

/// Has the kernel send `signal` to this process when its parent dies: see PR_SET_PDEATHSIG(2const).
///
/// # Errors
/// When the parent has died before that.
pub fn die_with(parent: Pid, signal: Signal) -> anyhow::Result<()> {
    set_pdeathsig(signal).context("prctl PR_SET_PDEATHSIG")?;
    ensure!(getppid() == parent, "the parent has died");
    Ok(())
}
