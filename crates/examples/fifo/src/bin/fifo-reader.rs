//! Prints the lines that arrive through a FIFO, a pipe with a name, until end-of-file.
//!
//! Its partner is fifo-writer, in another terminal; start either program first.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use lesson::{Failure, say};

/// Print the lines that arrive through a FIFO (partner: fifo-writer)
#[derive(Parser)]
struct Args {
    /// Path of the FIFO, created unless it exists, removed at the end
    #[arg(default_value = fifo::FIFO_PATH)]
    path: PathBuf,
}

fn main() -> Result<(), Failure> {
    let Args { path } = Args::parse();
    lesson::clean_up_on_signal()?; // [A]

    let created = fifo::create(&path)?; // [A] [B] [D]
    say!("Reader: Opening FIFO...");

    // Blocks until a process opens the same name for writing: here the two programs meet.
    let fifo = File::open(&path).with_context(|| format!("open {} for reading", path.display()))?;
    say!("Reader: FIFO opened. Reading messages...");

    // A FIFO carries bytes: one read(2) may return half a line or ten lines.
    let mut fifo = BufReader::new(fifo);
    let mut line = b"Received: ".to_vec();
    let prefix = line.len();
    // 0 bytes is end-of-file: no process has the FIFO open for writing.
    while (fifo.read_until(b'\n', &mut line)).with_context(|| format!("read {}", path.display()))?
        > 0
    {
        if !line.ends_with(b"\n") {
            line.push(b'\n'); // The last line, which the writer has not ended.
        }
        lesson::print(&line);
        line.truncate(prefix);
    }

    fifo::unlink(&path); // Even if the writer created the name: no other process will remove it.
    if let Some(created) = created {
        created.keep();
    }
    say!("Reader: Done.");
    Ok(())
}
