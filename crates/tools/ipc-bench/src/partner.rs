//! The two processes that talk, and how the end of one of them is noticed.
//!
//! Both are children of this process, which only waits. They have no thread beside their first: in a
//! process with threads each read(2) and write(2) counts the users of its file up and down, which is a
//! twentieth of a pipe's round trip. Nor has this process ever had one: in the child of such a process
//! glibc goes on to guard each call at which a thread could be cancelled, which is a thirtieth.
//!
//! Neither would see an end-of-file when the other dies, for memory has no end that could close: so this
//! process ends the one that is left.

use std::fmt;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::process;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SigHandler, Signal, kill, signal};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, getppid, pipe};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::mechanism::Remove;
use crate::signals::{ENDS, Held};

/// How long a run may take beyond its measured time.
pub const LIMIT: Duration = Duration::from_secs(10);

/// How much later than one process the other may be told of as well.
const AFTERWARDS: Duration = Duration::from_millis(100);

/// One of the two was killed, or did not end in time: that is nothing to go on after.
#[derive(Debug)]
pub enum Lost {
    /// The first or the second one.
    Killed(&'static str),
    Late,
    /// A signal has come, of which this process dies once all is removed.
    Interrupted,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Killed(name) => write!(f, "the {name} process was killed")?,
            Self::Late => write!(f, "a process is late")?,
            Self::Interrupted => write!(f, "interrupted")?,
        }
        write!(f, ": nothing more was measured")
    }
}

impl std::error::Error for Lost {}

/// Runs both, each in a process of its own, and gives what `ours` has returned.
///
/// If this process dies meanwhile, even by kill -9, they remove what nobody else would, and end.
///
/// # Errors
/// That of `ours`; or when a process fails, is killed, or has not ended within the limit; or when a
/// signal comes.
pub fn both<T: Serialize + DeserializeOwned>(
    limit: Duration,
    remove: Option<Remove>,
    signals: &Held,
    ours: impl FnOnce() -> anyhow::Result<T>,
    theirs: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<T> {
    let mut deadline = Instant::now() + limit;
    // Each of the two closes what is the other's.
    let (mut ours, mut theirs) = (Some(ours), Some(theirs));
    let mut second = Child::start("second", remove, || {
        drop(ours.take());
        theirs.take().map_or(Ok(()), |it| it())
    })?;
    drop(theirs);
    // Made only now: its end-of-file is the end of the first process alone.
    let (answer, write) = pipe().context("pipe")?;
    let mut first = Child::start("first", remove, || {
        let said = ours.take().context("there is no first process")?();
        let said = said.map_err(|error| format!("{error:#}"));
        serde_json::to_writer(File::from(write), &said).context("write the answer")
    })?;
    drop(ours);

    let mut said = Vec::new();
    let mut answer = File::from(answer);
    let mut part = [0; 4096];
    let mut fallen = None;
    loop {
        let there = ready(
            [second.alive(), Some(answer.as_fd())],
            signals,
            &mut deadline,
        );
        let [ended, speaks] = match there {
            Err(error) if matches!(error.downcast_ref(), Some(Lost::Late)) => {
                return Err(fallen.unwrap_or(error));
            }
            there => there?,
        };
        if ended {
            if let Err(error) = second.end() {
                // Perhaps it failed because the first one has, which will say why; or that one waits for ever.
                fallen = Some(error);
                deadline = Instant::now() + AFTERWARDS;
            }
        }
        if speaks {
            match answer.read(&mut part).context("read the answer")? {
                0 => break,
                length => said.extend_from_slice(&part[..length]),
            }
        }
    }
    first.end()?;
    let said: Result<T, String> = serde_json::from_slice(&said).context("the answer")?;
    // If the first one failed, then perhaps because the other was killed: a process that dies closes its
    // files some time before its parent can know.
    let mut deadline = match said {
        Ok(_) => deadline,
        Err(_) => Instant::now() + AFTERWARDS,
    };
    let ended = match second.alive() {
        None => fallen.map_or(Ok(()), Err),
        alive => ready([alive, None], signals, &mut deadline).and_then(|_| second.end()),
    };
    match (said, ended) {
        (Err(_), Err(error)) if matches!(error.downcast_ref(), Some(Lost::Killed(_))) => Err(error),
        (Err(said), Err(error)) if !error.is::<Lost>() => Err(anyhow!("{said}; {error:#}")),
        (Err(said), _) => Err(anyhow!(said)),
        (Ok(said), ended) => ended.map(|()| said),
    }
}

/// Sleeps until one of the descriptors can be read: which. See poll(2). Who has been stopped meanwhile
/// (Ctrl-Z) gets more time.
fn ready(
    fds: [Option<BorrowedFd<'_>>; 2],
    signals: &Held,
    deadline: &mut Instant,
) -> anyhow::Result<[bool; 2]> {
    let mut there: Vec<_> = fds
        .iter()
        .flatten()
        .copied()
        .chain([signals.arrived()])
        .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
        .collect();
    while poll(&mut there, left(*deadline)?).context("poll")? == 0 {
        // A poll that is continued after its time returns at once, and so later than it was asked to.
        if deadline.elapsed() < Duration::from_secs(1) {
            return Err(Lost::Late.into());
        }
        *deadline = Instant::now() + LIMIT;
    }
    let mut there = there.iter().map(|it| it.any().unwrap_or(false));
    if there.next_back() == Some(true) {
        return Err(Lost::Interrupted.into());
    }
    Ok(fds.map(|fd| fd.is_some() && there.next().unwrap_or(false)))
}

fn left(deadline: Instant) -> anyhow::Result<PollTimeout> {
    let left = deadline.saturating_duration_since(Instant::now());
    PollTimeout::try_from(left).context("the limit is too long")
}

/// A process that this one has started; killed when dropped.
struct Child {
    name: &'static str,
    pid: Pid,
    /// Can be read once it has ended: see pidfd_open(2).
    pidfd: Option<OwnedFd>,
    /// Where it says why it has failed: on the terminal that would stand in the middle of a table, and come from a
    /// process that fails only because the other one has been stopped.
    why: File,
    /// Its status has been taken: the pid may be another's.
    ended: bool,
}

impl Child {
    fn start(
        name: &'static str,
        remove: Option<Remove>,
        main: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<Self> {
        let parent = process::id();
        let (why, write) = pipe().context("pipe")?;
        // SAFETY: this process has no other thread, which could hold a lock that the child needs.
        match unsafe { fork() }.context("fork")? {
            ForkResult::Child => {
                // First, while signals are still blocked: none comes in between.
                let ready = end_with(parent, remove);
                lesson::forked();
                let Err(error) = ready.and_then(|()| main()) else {
                    process::exit(0)
                };
                let _ = write!(File::from(write), "{error:#}"); // to nobody, if the parent has been killed
                process::exit(1)
            }
            ForkResult::Parent { child } => {
                let mut this = Self {
                    name,
                    pid: child,
                    pidfd: None,
                    why: File::from(why),
                    ended: false,
                };
                // SAFETY: it takes no pointer.
                let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, child.as_raw(), 0) };
                let fd = Errno::result(fd).context("pidfd_open")?;
                // SAFETY: the kernel has just made it for us.
                this.pidfd = Some(unsafe { OwnedFd::from_raw_fd(fd as i32) });
                Ok(this)
            }
        }
    }

    fn alive(&self) -> Option<BorrowedFd<'_>> {
        self.pidfd.as_ref().map(AsFd::as_fd)
    }

    /// Takes its status.
    fn end(&mut self) -> anyhow::Result<()> {
        let status = waitpid(self.pid, None).context("waitpid")?;
        self.ended = true;
        self.pidfd = None;
        match status {
            WaitStatus::Exited(_, 0) => Ok(()),
            WaitStatus::Exited(_, status) => {
                let (name, mut why) = (self.name, Vec::new());
                let read = self.why.read_to_end(&mut why);
                read.context("read why it has failed")?;
                match String::from_utf8_lossy(&why) {
                    why if why.is_empty() => {
                        bail!("the {name} process has failed (status {status})")
                    }
                    why => bail!("the {name} process: {why}"),
                }
            }
            _ => Err(Lost::Killed(self.name).into()),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.ended {
            let _ = kill(self.pid, Signal::SIGKILL);
            let _ = waitpid(self.pid, None);
        }
    }
}

/// What a child removes when its parent is gone.
static REMOVE: OnceLock<Option<Remove>> = OnceLock::new();

/// In a child: when the parent dies, what nobody else would remove is removed, and the child ends,
/// whatever it is doing.
fn end_with(parent: u32, remove: Option<Remove>) -> anyhow::Result<()> {
    extern "C" fn orphaned(_: libc::c_int) {
        if let Some(Some(remove)) = REMOVE.get() {
            remove.now();
        }
        // SAFETY: it takes no pointer, and is allowed in a signal handler.
        unsafe { libc::_exit(1) }
    }
    let _ = REMOVE.set(remove);
    // SAFETY: the handler makes system calls and reads what was set before, nothing else.
    unsafe { signal(Signal::SIGUSR1, SigHandler::Handler(orphaned)) }.context("signal")?;
    // They may come to this child too, but how the program ends is for its parent to say.
    for ends in ENDS {
        // SAFETY: SIG_IGN installs no handler.
        unsafe { signal(ends, SigHandler::SigIgn) }.context("signal")?;
    }
    set_pdeathsig(Signal::SIGUSR1).context("prctl PR_SET_PDEATHSIG")?;
    if getppid().as_raw() as u32 != parent {
        orphaned(0); // It was quicker.
    }
    Ok(())
}
