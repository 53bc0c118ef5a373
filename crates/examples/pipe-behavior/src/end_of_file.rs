//! End-of-file comes when every write end is closed, the reader's own too.

use std::fs::File;
use std::os::fd::AsFd;

use anyhow::{Context, ensure};
use fork_isolation::reap;
use lesson::say;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{ForkResult, fork, pipe};

use crate::{receive, send_to_parent};

pub fn end_of_file() -> anyhow::Result<()> {
    let (read_end, write_end) = pipe().context("pipe")?;
    // SAFETY: this process has one thread, so the child can hold no lock of a thread it lacks.
    match unsafe { fork() }.context("fork")? {
        ForkResult::Child => {
            drop(read_end);
            lesson::end(send_to_parent(write_end.into(), "bye"))
        }
        ForkResult::Parent { child } => reap(child)?,
    }
    let mut read_end = File::from(read_end);
    let text = receive(&mut read_end)?;
    say!("3. The writer wrote {text:?} and has ended, but the reader has a write end of its own");

    // read would sleep for ever here; poll(2) sleeps for 200 ms and tells the same.
    let mut reader = [PollFd::new(read_end.as_fd(), PollFlags::POLLIN)];
    let events = poll(&mut reader, PollTimeout::from(200_u16)).context("poll the pipe")?;
    ensure!(
        events == 0,
        "the pipe has news although a write end is open"
    );
    say!("   200 ms later: no data and no end-of-file");

    drop(write_end);
    let text = receive(&mut read_end)?;
    ensure!(text.is_empty(), "{text:?} where end-of-file was due");
    say!("   its own write end closed: read returns 0, end-of-file");
    Ok(())
}
