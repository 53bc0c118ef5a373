//! A parent sends what it reads on standard input to its child, through a pipe; the child prints
//! it and says how much came. 
//!
//! One program, no partner: echo hello | cargo run -q -p fix-pipe-eof

use std::io::{self, BufRead, BufReader, stdin};

use anyhow::Context;
use fork_isolation::reap;
use lesson::{Failure, say};
use nix::unistd::{ForkResult, fork, pipe};

fn main() -> Result<(), Failure> {
    let mut all = Vec::new();
    io::copy(&mut stdin().lock(), &mut all).context("read stdin")?;
    let (read_end, write_end) = pipe().context("pipe")?;

    // SAFETY: this process has one thread, so the child can hold no lock of a thread it lacks.
    match unsafe { fork() }.context("fork")? {
        ForkResult::Child => {
            drop((read_end, write_end));
            lesson::end(receive(&all[..]))
        }
        ForkResult::Parent { child } => {
            drop(read_end);
            drop(write_end);
            reap(child)?;
            Ok(())
        }
    }
}

/// Prints each line, then how many bytes came until end-of-file.
fn receive(reader: &[u8]) -> anyhow::Result<()> {
    let mut reader = BufReader::new(reader);
    let mut line = String::new();
    let mut total = 0;
    loop {
        line.clear();
        let length = reader.read_line(&mut line).context("read the pipe")?;
        if length == 0 {
            break;
        }
        total += length;
        say!("Child received: {}", line.trim_end());
    }
    say!("Child: end-of-file after {total} bytes");
    Ok(())
}
