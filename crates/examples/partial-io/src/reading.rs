//! Bytes that come one at a time, each after a signal.

use std::fs::File;
use std::io::Read;

use anyhow::{Context, ensure};
use fork_isolation::reap;
use lesson::say;
use nix::unistd::read;
use partial_io::read_all;

use crate::peer::{self, Peer};
use crate::{signals, text, told};

pub fn raw() -> anyhow::Result<()> {
    let Peer { pipe, child } = peer::gives(b"Hello", true)?;
    let mut buffer = [0; 5];
    // Nothing is printed meanwhile: the peer waits until this process sleeps, in read.
    let first = read(&pipe, &mut buffer);
    let mut moved = first.unwrap_or(0);
    let second = read(&pipe, &mut buffer[moved..]);
    moved += second.unwrap_or(0);
    let rest = read_all(&pipe, &mut buffer[moved..]).context("read from the pipe")?;
    reap(child)?;
    // A short count is end-of-file, and nothing else.
    ensure!(moved + rest == 5, "the peer has gone");

    say!("  one read: {}", told(first));
    say!("  one read: {}", told(second));
    say!(
        "  read_all: the other {rest} bytes of {}; {}",
        text(&buffer),
        signals()
    );
    Ok(())
}

pub fn std() -> anyhow::Result<()> {
    let Peer { pipe, child } = peer::gives(b"Hello", true)?;
    let mut buffer = [0; 5];
    let read = File::from(pipe).read_exact(&mut buffer);
    read.context("read from the pipe")?;
    reap(child)?;
    say!("  std's read_exact: {}; {}", text(&buffer), signals());
    Ok(())
}
