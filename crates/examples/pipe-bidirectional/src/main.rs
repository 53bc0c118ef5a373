//! Two pipes, one for each direction: a message to the child and its answer to the parent.
//!
//! One program, no partner: cargo run -q --bin pipe-bidirectional

use std::fs::File;
use std::io::{Read, Write};

use anyhow::{Context, ensure};
use fork_isolation::reap;
use lesson::{Failure, say};
use nix::unistd::{ForkResult, fork, pipe};

fn main() -> Result<(), Failure> {
    lesson::no_arguments!();
    // pipe(2) gives (read end, write end): each process keeps one end of each pipe.
    let (from_parent, to_child) = pipe().context("pipe")?;
    let (from_child, to_parent) = pipe().context("pipe")?;

    // SAFETY: this process has one thread, so the child can hold no lock of a thread it lacks.
    match unsafe { fork() }.context("fork")? {
        ForkResult::Child => {
            drop((to_child, from_child));
            lesson::end(answer(from_parent.into(), to_parent.into()))
        }
        ForkResult::Parent { child } => {
            drop((from_parent, to_parent));
            let asked = ask(to_child.into(), from_child.into());
            reap(child)?;
            Ok(asked?)
        }
    }
}

fn ask(mut to_child: File, mut from_child: File) -> anyhow::Result<()> {
    to_child
        .write_all(b"Hello child!")
        .context("write to the child")?;
    say!("Parent received: {}", receive(&mut from_child)?);
    Ok(())
}

fn answer(mut from_parent: File, mut to_parent: File) -> anyhow::Result<()> {
    say!("Child received: {}", receive(&mut from_parent)?);
    to_parent
        .write_all(b"Got it!")
        .context("write to the parent")
}

/// One message, of up to 100 bytes. The sender keeps its end open to read the answer, so there is no
/// end-of-file to read up to; but a write of so few arrives in one piece: PIPE_BUF in pipe(7).
fn receive(pipe: &mut File) -> anyhow::Result<String> {
    let mut buffer = [0; 100];
    let length = pipe.read(&mut buffer).context("read from the pipe")?;
    ensure!(length > 0, "the other process has gone without a word");
    Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
}
