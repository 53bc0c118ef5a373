//! Writes the lines of standard input into a FIFO, a pipe with a name.
//!
//! Its partner is fifo-reader, in another terminal; start either program first.

use std::fs::OpenOptions;
use std::io::{BufRead, Write, stdin};
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use lesson::{Failure, say};

/// Write lines from standard input into a FIFO (partner: fifo-reader)
#[derive(Parser)]
struct Args {
    /// Path of the FIFO, created unless it exists
    #[arg(default_value = fifo::FIFO_PATH)]
    path: PathBuf,
}

fn main() -> Result<(), Failure> {
    let Args { path } = Args::parse();
    lesson::clean_up_on_signal()?; // [A]

    let created = fifo::create(&path)?; // [A] [B] [D]
    say!("Writer: Opening FIFO...");

    // Blocks until a process opens the same name for reading: here the two programs meet.
    let mut fifo = (OpenOptions::new().write(true).open(&path))
        .with_context(|| format!("open {} for writing", path.display()))?;
    say!("Writer: FIFO opened. Enter messages (Ctrl+D to quit):");

    let mut stdin = stdin().lock();
    let mut line = Vec::new();
    while stdin.read_until(b'\n', &mut line).context("read stdin")? > 0 {
        // Rust programs ignore SIGPIPE, so a write without a reader fails with EPIPE.
        (fifo.write_all(&line)).map_err(|error| fifo::write_error(&path, error))?; // [C]
        if !line.ends_with(b"\n") {
            break; // The user has ended an unfinished line with Ctrl-D twice: do not read again.
        }
        line.clear();
    }

    drop(fifo); // Closes the write end: end-of-file for the reader, unless another writer is left.
    if let Some(created) = created {
        created.keep(); // The reader removes the name.
    }
    say!("Writer: Done.");
    Ok(())
}
