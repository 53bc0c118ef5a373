//! Writes each line it is given into a FIFO, a pipe with a name.
//!
//! Its partner is fifo-reader, in another terminal; either may be started first.

use std::fs::OpenOptions;
use std::io::{BufRead, ErrorKind, Write, stdin};
use std::path::PathBuf;

use anyhow::{Context, anyhow};
use clap::Parser;
use fifo::Name;
use lesson::{Failure, say};

/// Write lines from standard input into a FIFO (partner: fifo-reader, started before or after)
#[derive(Parser)]
struct Args {
    /// The FIFO; created if it is not there
    #[arg(default_value = fifo::FIFO_PATH)]
    path: PathBuf,
}

fn main() -> Result<(), Failure> {
    let Args { path } = Args::parse();
    lesson::clean_up_on_signal()?;
    let name = path.display();

    let created = fifo::create(&path)?;
    say!("Writer: Opening FIFO...");

    // Opening a FIFO for writing blocks until some process opens it for
    // reading, so this line is where the two programs meet.
    let mut fifo = OpenOptions::new()
        .write(true)
        .open(&path)
        .with_context(|| format!("open {name} for writing"))?;
    let here = Name::of(&path, &fifo)?;
    say!("Writer: FIFO opened. Enter messages (Ctrl+D to quit):");

    let mut stdin = stdin().lock();
    let mut line = Vec::new();
    while stdin.read_until(b'\n', &mut line).context("read stdin")? > 0 {
        // Rust starts with SIGPIPE ignored: without a reader the write fails with EPIPE.
        fifo.write_all(&line).map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => {
                here.remove();
                anyhow!("write {name}: the reader has gone (EPIPE): start both programs again")
            }
            _ => anyhow!(error).context(format!("write {name}")),
        })?;
        if !line.ends_with(b"\n") {
            break; // Ctrl-D twice, at the end of what was typed: to read again would take a third.
        }
        line.clear();
    }

    // Closing the last write end is the reader's end-of-file; then the reader unlinks the name.
    if !fifo::has_reader(&fifo)? {
        here.remove(); // It has gone without.
    }
    drop(fifo);
    if let Some(created) = created {
        created.leave();
    }
    say!("Writer: Done.");
    Ok(())
}
