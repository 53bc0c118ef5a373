//! What a pipe does when it is empty, when it is full, when an end stays open, and why it
//! carries no messages: each of the tutorial's statements, done and looked at.
//!
//! One program, no partner: cargo run -q --bin pipe-behavior

mod end_of_file;
mod full;
mod sleeping;

use std::fs::File;
use std::io::{ErrorKind, Read, Write};

use anyhow::Context;
use fork_isolation::reap;
use lesson::{Failure, say};
use nix::unistd::{ForkResult, Pid, fork, pipe};

fn main() -> Result<(), Failure> {
    lesson::no_arguments!();
    empty()?;
    full::full()?;
    end_of_file::end_of_file()?;
    no_boundaries()?;
    Ok(())
}

fn empty() -> anyhow::Result<()> {
    let (read_end, write_end) = pipe().context("pipe")?;
    // SAFETY: this process has one thread, so the child can hold no lock of a thread it lacks.
    match unsafe { fork() }.context("fork")? {
        ForkResult::Child => {
            drop(write_end);
            lesson::end(wait_for_data(read_end.into()))
        }
        ForkResult::Parent { child } => {
            drop(read_end);
            let sent = send_to_sleeper(child, write_end.into());
            sent.and(reap(child))
        }
    }
}

fn wait_for_data(mut read_end: File) -> anyhow::Result<()> {
    let text = receive(&mut read_end)?;
    // End-of-file instead of data: the parent has ended early, and there is nothing to tell.
    if !text.is_empty() {
        say!("   {text:?} arrives: the child's read returns it");
    }
    Ok(())
}

fn send_to_sleeper(child: Pid, mut write_end: File) -> anyhow::Result<()> {
    sleeping::wait_until_asleep(child)?;
    say!("1. Empty pipe: the child sleeps in read");
    send(&mut write_end, "data")
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

/// How a child writes: no reader means that its parent has ended early. Nothing to tell then.
fn send_to_parent(mut pipe: File, text: &str) -> anyhow::Result<()> {
    match pipe.write_all(text.as_bytes()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("write to the pipe"),
    }
}

/// What one read(2) brings; nothing is end-of-file.
fn receive(pipe: &mut File) -> anyhow::Result<String> {
    let mut buffer = [0; 100];
    let length = pipe.read(&mut buffer).context("read from the pipe")?;
    Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
}
