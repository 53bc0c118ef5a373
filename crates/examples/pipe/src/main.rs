//! A parent writes into a pipe, its child reads from it.
//!
//! One program, no partner: cargo run -q --bin pipe

use std::fs::File;
use std::io::{Read, Write};

use anyhow::Context;
use fork_isolation::reap;
use lesson::{Failure, say};
use nix::unistd::{ForkResult, fork, pipe};

fn main() -> Result<(), Failure> {
    lesson::no_arguments!();
    // The pipe comes before the fork, so that both processes inherit both of its ends.
    let (read_end, write_end) = pipe().context("pipe")?;

    // SAFETY: this process has one thread, so the child can hold no lock of a thread it lacks.
    match unsafe { fork() }.context("fork")? {
        ForkResult::Child => {
            // An OwnedFd closes when dropped. As long as any write end is open, even the
            // reader's own, there is no end-of-file and the reader waits for ever.
            drop(write_end);
            lesson::end(receive(read_end.into()))
        }
        ForkResult::Parent { child } => {
            drop(read_end);
            let sent = send(write_end.into());
            reap(child)?;
            Ok(sent?)
        }
    }
}

fn receive(mut read_end: File) -> anyhow::Result<()> {
    // Blocks while the pipe is empty; ends at end-of-file, when the last write end has closed.
    let mut message = String::new();
    read_end
        .read_to_string(&mut message)
        .context("read from the pipe")?;
    say!("Child received: {message}");
    Ok(())
}

fn send(mut write_end: File) -> anyhow::Result<()> {
    write_end
        .write_all(b"Hello from parent!")
        .context("write into the pipe")
    // Here write_end is dropped and so closed: the child's end-of-file.
}
