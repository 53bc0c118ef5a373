//! Prints what arrives through a FIFO, until its writer closes it. Nothing arrives: see README.md.
//!
//! Its partner is fix-fifo-open-writer, in another terminal; either should be allowed to start first.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use fix_fifo_open::{FIFO_PATH, make_for_reader};
use lesson::{Failure, say};

/// Print the lines that arrive through a FIFO (partner: fix-fifo-open-writer)
#[derive(Parser)]
struct Args {
    /// The FIFO
    #[arg(default_value = FIFO_PATH)]
    path: PathBuf,
}

fn main() -> Result<(), Failure> {
    let Args { path } = Args::parse();
    let name = path.display();

    make_for_reader(&path)?;
    let fifo = File::open(&path).with_context(|| format!("open {name} for reading"))?;

    let mut lines = 0;
    for line in BufReader::new(fifo).lines() {
        let line = line.with_context(|| format!("read {name}"))?;
        say!("Received: {line}");
        lines += 1;
    }
    // TODO: the FIFO is still there, also after Ctrl-C.
    say!("Read: {lines} lines");
    Ok(())
}
