//! Writes standard input into a FIFO, line by line. It does not get there: see README.md.
//!
//! Its partner is fix-fifo-open-reader, in another terminal; either should be allowed to start first.

use std::fs::OpenOptions;
use std::io::{BufRead, Write, stdin};
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use fix_fifo_open::{FIFO_PATH, make_for_writer};
use lesson::{Failure, say};

/// Write lines into a FIFO (partner: fix-fifo-open-reader)
#[derive(Parser)]
struct Args {
    /// The FIFO
    #[arg(default_value = FIFO_PATH)]
    path: PathBuf,
}

fn main() -> Result<(), Failure> {
    let Args { path } = Args::parse();
    let name = path.display();

    make_for_writer(&path)?;
    let mut fifo = OpenOptions::new()
        .write(true)
        .open(&path)
        .with_context(|| format!("open {name} for writing"))?;

    let mut lines = 0;
    let mut stdin = stdin().lock();
    let mut line = Vec::new();
    while stdin.read_until(b'\n', &mut line).context("read stdin")? > 0 {
        fifo.write_all(&line)
            .with_context(|| format!("write {name}"))?;
        line.clear();
        lines += 1;
    }
    say!("Written: {lines} lines");
    Ok(())
}
