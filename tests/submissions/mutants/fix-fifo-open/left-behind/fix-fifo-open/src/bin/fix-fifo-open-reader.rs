//! Prints what arrives through a FIFO, until its writer closes it.
//!
//! Its partner is fix-fifo-open-writer, in another terminal; either may be started first.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use fix_fifo_open::FIFO_PATH;
use lesson::{Failure, say};

/// Print the lines that arrive through a FIFO (partner: fix-fifo-open-writer)
#[derive(Parser)]
struct Args {
    /// The FIFO; made if it is not there, removed at the end
    #[arg(default_value = FIFO_PATH)]
    path: PathBuf,
}

fn main() -> Result<(), Failure> {
    let Args { path } = Args::parse();
    lesson::clean_up_on_signal()?;
    let name = path.display();

    let made = fifo::create(&path)?;
    // Waits until the writer opens the same FIFO.
    let fifo = File::open(&path).with_context(|| format!("open {name} for reading"))?;

    let mut lines = 0;
    for line in BufReader::new(fifo).lines() {
        let line = line.with_context(|| format!("read {name}"))?;
        say!("Received: {line}");
        lines += 1;
    }
    drop(made);
    say!("Read: {lines} lines");
    Ok(())
}
