//! What a pipe does when it is empty, when it is full, when an end stays open, and why it
//! carries no messages: each of the tutorial's statements, done and looked at.
//!
//! One program, no partner: cargo run -q --bin pipe-behavior

mod full;
mod sleeping;

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;

use anyhow::{Context, ensure};
use fork_isolation::reap;
use lesson::{Failure, say};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{ForkResult, fork, pipe};

fn main() -> Result<(), Failure> {
    empty()?;
    full::full()?;
    end_of_file()?;
    no_boundaries()?;
    Ok(())
}

fn empty() -> anyhow::Result<()> {
    let (read_end, write_end) = pipe().context("pipe")?;
    // SAFETY: this process has one thread, so the child can hold no lock of a thread it lacks.
    match unsafe { fork() }.context("fork")? {
        ForkResult::Child => {
            drop(write_end);
            lesson::end(receive(&mut read_end.into()).map(|text| {
                say!("   {text:?} arrives: the child's read returns it");
            }))
        }
        ForkResult::Parent { child } => {
            drop(read_end);
            sleeping::wait_until_asleep(child)?;
            say!("1. Empty pipe: the child sleeps in read");
            send(&mut write_end.into(), "data")?;
            reap(child)
        }
    }
}

fn end_of_file() -> anyhow::Result<()> {
    let (read_end, write_end) = pipe().context("pipe")?;
    // SAFETY: this process has one thread, so the child can hold no lock of a thread it lacks.
    match unsafe { fork() }.context("fork")? {
        ForkResult::Child => lesson::end(send(&mut write_end.into(), "bye")),
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

fn no_boundaries() -> anyhow::Result<()> {
    let (read_end, write_end) = pipe().context("pipe")?;
    let mut write_end = File::from(write_end);
    send(&mut write_end, "Hello")?;
    send(&mut write_end, "World")?;
    let text = receive(&mut read_end.into())?;
    say!("4. Two writes, \"Hello\" and \"World\", and one read: {text:?}");
    Ok(())
}

fn send(pipe: &mut File, text: &str) -> anyhow::Result<()> {
    pipe.write_all(text.as_bytes()).context("write to the pipe")
}

/// What one read(2) brings; nothing is end-of-file.
fn receive(pipe: &mut File) -> anyhow::Result<String> {
    let mut buffer = [0; 100];
    let length = pipe.read(&mut buffer).context("read from the pipe")?;
    Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
}
