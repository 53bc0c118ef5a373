//! Trying one open(2) in a thread of its own, so that this program does not wait with it.

use std::fmt;
use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, gettid};

/// What an open did.
pub enum Seen {
    AtOnce,
    WaitsForReader,
    WaitsForWriter,
    StaysBlocked,
    Fails(Errno),
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Seen::AtOnce => f.write_str("opens immediately"),
            Seen::WaitsForReader => f.write_str("blocks until opened for reading"),
            Seen::WaitsForWriter => f.write_str("blocks until opened for writing"),
            Seen::StaysBlocked => f.write_str("stays blocked, the other end being open"),
            Seen::Fails(errno) => write!(f, "fails with {errno:?}"),
        }
    }
}

/// How long a thread may take to get into the call, and back out of it.
const LIMIT: Duration = Duration::from_secs(5);

pub fn open_flags(path: &Path, flags: OFlag) -> nix::Result<OwnedFd> {
    open(path, flags | OFlag::O_CLOEXEC, Mode::empty())
}

/// Opens `path` and tells what happened; an open that waits is let go by opening the other end.
pub fn probe(path: &Path, flags: OFlag) -> anyhow::Result<Seen> {
    let (tell, told) = channel();
    let (answer, answered) = channel();
    let fifo = path.to_owned();
    let open_it = move || {
        // The prober may have given up on this thread: then nobody wants to know.
        let _ = tell.send(gettid());
        let _ = answer.send(open_flags(&fifo, flags));
    };
    // Never joined: a thread that stays blocked ends with the program.
    let thread = thread::Builder::new().spawn(open_it);
    thread.context("start the probing thread")?;
    let thread = told.recv().context("the probing thread has died")?;

    let seen = |opened: nix::Result<OwnedFd>| opened.map_or_else(Seen::Fails, |_| Seen::AtOnce);
    let (waits_for, other_end) = match flags & OFlag::O_ACCMODE {
        OFlag::O_WRONLY => (Seen::WaitsForReader, OFlag::O_RDONLY),
        _ => (Seen::WaitsForWriter, OFlag::O_WRONLY),
    };
    let other_end = loop {
        if let Some(opened) = answer_or_asleep(&answered, thread)? {
            return Ok(seen(opened));
        }
        match open_flags(path, other_end | OFlag::O_NONBLOCK) {
            // Stopped and continued in between: that ends a sleeping open, and the kernel begins
            // it anew.
            Err(Errno::ENXIO) => {}
            opened => {
                break opened
                    .with_context(|| format!("open the other end of {}", path.display()))?;
            }
        }
    };
    let opened = answered.recv_timeout(LIMIT);
    drop(other_end);
    Ok(opened.map_or(Seen::StaysBlocked, |opened| {
        opened.map_or_else(Seen::Fails, |_| waits_for)
    }))
}

/// The answer, or none if the thread sleeps in its open. No event tells that a thread has gone
/// to sleep, so this polls.
fn answer_or_asleep(
    answered: &Receiver<nix::Result<OwnedFd>>,
    thread: Pid,
) -> anyhow::Result<Option<nix::Result<OwnedFd>>> {
    let read = |file| fs::read_to_string(format!("/proc/self/task/{thread}/{file}"));
    // On its way to the open a thread may sleep too, in futex(2), which all locks stand on.
    let futex = format!("{} ", nix::libc::SYS_futex);
    let outcome = lesson::poll_until(LIMIT, || {
        if let Ok(opened) = answered.try_recv() {
            return Ok(Some(Some(opened)));
        }
        // "TID (name) S …": S is sleeping. The file is gone when the thread has ended.
        let sleeps = |stat: String| {
            stat.rsplit_once(") ")
                .is_some_and(|it| it.1.starts_with('S'))
        };
        let asleep = read("stat").is_ok_and(sleeps)
            && read("syscall").is_ok_and(|call| !call.starts_with(&futex))
            && read("stat").is_ok_and(sleeps);
        Ok(asleep.then_some(None))
    })?;
    match outcome {
        Some(outcome) => Ok(outcome),
        None => bail!("open, tried in a thread, neither returns nor sleeps within {LIMIT:?}"),
    }
}
