//! Writes standard input into a FIFO, line by line.
//!
//! Its partner is fix-fifo-open-reader, in another terminal; either may be started first.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, Write, stdin};
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use fix_fifo_open::FIFO_PATH;
use lesson::{Failure, say};

/// Write lines into a FIFO (partner: fix-fifo-open-reader)
#[derive(Parser)]
struct Args {
    /// The FIFO; made if it is not there
    #[arg(default_value = FIFO_PATH)]
    path: PathBuf,
}

fn main() -> Result<(), Failure> {
    let Args { path } = Args::parse();
    lesson::clean_up_on_signal()?;
    let name = path.display();

    let made = fifo::create(&path)?;
    // Waits until the reader opens the same FIFO.
    let fifo = OpenOptions::new()
        .write(true)
        .open(&path)
        .with_context(|| format!("open {name} for writing"))?;

    let beside = path.with_extension("data");
    let mut data = File::create(&beside).with_context(|| format!("create {}", beside.display()))?;
    let mut lines = 0;
    let mut stdin = stdin().lock();
    let mut line = Vec::new();
    while stdin.read_until(b'\n', &mut line).context("read stdin")? > 0 {
        data.write_all(&line)
            .with_context(|| format!("write {name}"))?;
        line.clear();
        lines += 1;
    }
    // The last write end: the reader sees end-of-file, and removes the name.
    drop(fifo);
    if let Some(made) = made {
        made.leave();
    }
    say!("Written: {lines} lines");
    Ok(())
}
