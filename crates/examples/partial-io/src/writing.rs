//! More bytes than the pipe holds, and a reader that takes none until it has sent its signals.

use std::fs::File;
use std::io::Write;

use anyhow::Context;
use fork_isolation::reap;
use lesson::say;
use nix::unistd::write;
use partial_io::write_all;

use crate::peer::{self, Peer};
use crate::{signals, told};

pub fn raw() -> anyhow::Result<()> {
    let (Peer { pipe, child }, data) = peer::takes()?;
    // Fills the pipe and sleeps; the signal finds it there with a part of the bytes moved.
    let first = write(&pipe, &data);
    let mut moved = first.unwrap_or(0);
    // The pipe is full, so the next signal comes before the first byte.
    let second = write(&pipe, &data[moved..]);
    moved += second.unwrap_or(0);
    write_all(&pipe, &data[moved..]).context("write to the pipe")?;

    let all = data.len();
    say!("  one write of {all} bytes: {}", told(first));
    say!("  one write of the rest: {}", told(second));
    say!(
        "  write_all: the other {} bytes; {}",
        all - moved,
        signals()
    );
    drop(pipe); // end-of-file for the peer, which then says what it has
    reap(child)
}

pub fn std() -> anyhow::Result<()> {
    let (Peer { pipe, child }, data) = peer::takes()?;
    let mut pipe = File::from(pipe);
    pipe.write_all(&data).context("write to the pipe")?;
    say!("  std's write_all: {} bytes; {}", data.len(), signals());
    drop(pipe);
    reap(child)
}
