//! The other end of the pipe: a forked child that gives or takes one byte at a time, and
//! interrupts its parent with SIGUSR1.

use std::fs;
use std::os::fd::OwnedFd;
use std::time::Duration;

use anyhow::{Context, ensure};
use lesson::say;
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{ForkResult, Pid, fork, getpid, getppid, pipe, read, write};

/// Our end of a pipe, and the child that has the other one.
pub struct Peer {
    pub pipe: OwnedFd,
    pub child: Pid,
}

/// Gives `bytes`, one at a time, if asked a signal before each, and ends.
pub fn gives(bytes: &[u8], signals: bool) -> anyhow::Result<Peer> {
    let (read_end, write_end) = pipe().context("pipe")?;
    fork_peer(read_end, write_end, |write_end, parent| {
        for byte in bytes.chunks(1) {
            if signals {
                interrupt(parent)?;
            }
            write(&write_end, byte).context("write to the pipe")?;
        }
        Ok(())
    })
}

/// Sends a signal three times, the pipe being full; then takes all there is, one byte at a time.
pub fn takes() -> anyhow::Result<(Peer, Vec<u8>)> {
    let (read_end, write_end, data) = small_pipe()?;
    let peer = fork_peer(write_end, read_end, |read_end, parent| {
        for _ in 0..3 {
            interrupt(parent)?;
        }
        let mut taken = Vec::new();
        let mut byte = [0];
        while read(&read_end, &mut byte).context("read from the pipe")? > 0 {
            taken.extend(byte);
        }
        ensure!(
            taken == data,
            "the peer has taken other bytes than were sent"
        );
        say!(
            "  the peer has taken {} bytes, as they were sent",
            taken.len()
        );
        Ok(())
    })?;
    Ok((peer, data))
}

/// Ends once the pipe is full, having taken nothing.
pub fn leaves() -> anyhow::Result<(Peer, Vec<u8>)> {
    let (read_end, write_end, data) = small_pipe()?;
    let peer = fork_peer(write_end, read_end, |read_end, parent| {
        wait_until_asleep(parent)?;
        drop(read_end);
        Ok(())
    })?;
    Ok((peer, data))
}

/// A pipe of one page, and two and a half times the bytes that it holds.
fn small_pipe() -> anyhow::Result<(OwnedFd, OwnedFd, Vec<u8>)> {
    let (read_end, write_end) = pipe().context("pipe")?;
    let size = fcntl(&write_end, FcntlArg::F_SETPIPE_SZ(4096)).context("fcntl F_SETPIPE_SZ")?;
    let data = (0..size * 5 / 2).map(|i| (i % 251) as u8).collect();
    Ok((read_end, write_end, data))
}

fn fork_peer(
    ours: OwnedFd,
    theirs: OwnedFd,
    work: impl FnOnce(OwnedFd, Pid) -> anyhow::Result<()>,
) -> anyhow::Result<Peer> {
    let parent = getpid();
    let in_child = move || {
        // From here on the parent's end kills this process too: its signals hit nobody else.
        set_pdeathsig(Signal::SIGKILL).context("prctl PR_SET_PDEATHSIG")?;
        if getppid() != parent {
            return Ok(()); // it has ended before that call
        }
        let done = work(theirs, parent);
        if done.is_err() {
            // The kernel closes a dying parent's end of the pipe before it sends that signal, which
            // then ends this process here. A parent that lives will wait for this one.
            wait_until_asleep(parent)?;
        }
        done
    };
    // SAFETY: this process has one thread, so the child can hold no lock of a thread it lacks.
    match unsafe { fork() }.context("fork")? {
        ForkResult::Child => {
            drop(ours);
            lesson::end(in_child())
        }
        ForkResult::Parent { child } => {
            drop(in_child); // and `theirs` with it: the child alone has that end now
            Ok(Peer { pipe: ours, child })
        }
    }
}

/// Sends a signal to the parent in its read or write, and waits until it is in the next one.
fn interrupt(parent: Pid) -> anyhow::Result<()> {
    wait_until_asleep(parent)?;
    kill(parent, Signal::SIGUSR1).context("kill SIGUSR1")?;
    wait_until_asleep(parent)
}

/// Until the parent sleeps, and before it waits for its child it does so in read and write alone. The kernel tells its state in
/// /proc, but has no event for it. Tries are counted and not seconds: Ctrl-Z stops both.
fn wait_until_asleep(parent: Pid) -> anyhow::Result<()> {
    let path = format!("/proc/{parent}/stat");
    let mut tries = 0;
    lesson::poll_until(Duration::MAX, || {
        tries += 1;
        ensure!(tries < 2500, "process {parent} does not sleep");
        let stat = fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
        // "PID (name) STATE …", see proc_pid_stat(5); S is sleeping.
        let (_, state) = stat.rsplit_once(") ").context("no name in stat")?;
        Ok(state.starts_with('S').then_some(()))
    })?;
    Ok(())
}
