//! Prints what arrives through a FIFO, a pipe with a name, until its writer closes it.
//!
//! Its partner is fifo-writer, in another terminal; either may be started first.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use fifo::Name;
use lesson::{Failure, say};

/// Print the lines that arrive through a FIFO (partner: fifo-writer, started before or after)
#[derive(Parser)]
struct Args {
    /// The FIFO; created if it is not there, removed at the end
    #[arg(default_value = fifo::FIFO_PATH)]
    path: PathBuf,
}

fn main() -> Result<(), Failure> {
    let Args { path } = Args::parse();
    lesson::clean_up_on_signal()?;
    let name = path.display();

    let created = fifo::create(&path)?;
    say!("Reader: Opening FIFO...");

    // Blocks until some process opens the FIFO for writing.
    let fifo = File::open(&path).with_context(|| format!("open {name} for reading"))?;
    let here = Name::of(&path, &fifo)?;
    say!("Reader: FIFO opened. Reading messages...");

    // A FIFO carries bytes, not messages: one read(2) may bring half a line or
    // ten, so the reader looks for the newlines itself.
    let mut fifo = BufReader::new(fifo);
    let mut line = b"Received: ".to_vec();
    let prefix = line.len();
    // 0 bytes is end-of-file: no process has the FIFO open for writing any more.
    while fifo
        .read_until(b'\n', &mut line)
        .with_context(|| format!("read {name}"))?
        > 0
    {
        if !line.ends_with(b"\n") {
            line.push(b'\n'); // The last one, which its writer has not ended.
        }
        lesson::print(&line);
        line.truncate(prefix);
    }

    // The name stays in the file system until somebody unlinks it: the reader does, whoever
    // created it.
    here.remove();
    if let Some(created) = created {
        created.leave();
    }
    say!("Reader: Done.");
    Ok(())
}
