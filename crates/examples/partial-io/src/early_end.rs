//! A peer that gives less than was asked for, or ends before it has taken anything.

use std::fs::File;
use std::io::{Read, Write};

use anyhow::{Context, bail};
use fork_isolation::reap;
use lesson::say;
use partial_io::{read_all, write_all};

use crate::peer::{self, Peer};
use crate::text;

pub fn reading() -> anyhow::Result<()> {
    let Peer { pipe, child } = peer::gives(b"Hel", false)?;
    let mut buffer = [0; 5];
    let moved = read_all(&pipe, &mut buffer).context("read from the pipe")?;
    reap(child)?;
    say!("  read_all: {moved} of 5 bytes, {}", text(&buffer[..moved]));

    let Peer { pipe, child } = peer::gives(b"Hel", false)?;
    let Err(error) = File::from(pipe).read_exact(&mut buffer) else {
        bail!("read_exact has made 5 bytes of 3");
    };
    reap(child)?;
    // What it has read until then is lost: how much that was it does not say.
    say!("  std's read_exact: {:?}, {error}", error.kind());
    Ok(())
}

pub fn writing() -> anyhow::Result<()> {
    let (Peer { pipe, child }, data) = peer::leaves()?;
    let Err(stopped) = write_all(&pipe, &data) else {
        bail!("write_all has written what nobody took");
    };
    reap(child)?;
    // Moved is not received: these bytes were in the pipe, and are gone with it.
    say!("  write_all: {stopped}");

    let (Peer { pipe, child }, data) = peer::leaves()?;
    let Err(error) = File::from(pipe).write_all(&data) else {
        bail!("std's write_all has written what nobody took");
    };
    reap(child)?;
    say!("  std's write_all: {:?}, {error}", error.kind());
    Ok(())
}
