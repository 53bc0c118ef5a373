//! Reads the text that sysv-shm-writer has put into a shared memory segment, and removes it.
//!
//! Its partner is sysv-shm-writer, started before it.

use std::time::Duration;

use clap::Parser;
use lesson::{Failure, poll_until, say, start_first};
use sysv_shm::{Key, PROJECT, SIZE, Segment, text};

/// Read a text from shared memory (partner: sysv-shm-writer, started before)
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    key: Key,
}

/// How long the writer may take: no event tells of a new segment or of a change in it.
const PATIENCE: Duration = Duration::from_secs(2);

fn main() -> Result<(), Failure> {
    let Args { key } = Args::parse();
    let writer = lesson::with_argument("sysv-shm-writer", key.dir.display(), ".");
    let key = lesson::ftok(&key.dir, PROJECT)?;

    let segment = poll_until(PATIENCE, || Segment::open(key, SIZE))?
        .ok_or_else(|| start_first("no shared memory here", &writer))?;
    let memory = segment.attach()?;

    // The segment exists before its text does.
    let text = poll_until(PATIENCE, || Ok(text::published(memory.bytes())))?
        .ok_or_else(|| start_first(format!("{segment} is empty"), &writer))?;
    say!("Read: {text}");

    // Detached first, as in C; Linux removes a segment when the last process has detached.
    drop(memory);
    segment.remove()?;
    Ok(())
}
