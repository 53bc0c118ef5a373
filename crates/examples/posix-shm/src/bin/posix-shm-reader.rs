//! Reads a text from POSIX shared memory, and removes the segment.
//!
//! Its partner is posix-shm-writer, in another terminal: start that one first.

use std::time::Duration;

use clap::Parser;
use lesson::{Failure, say};

/// How long to wait for the text.
const PATIENCE: Duration = Duration::from_secs(5);

/// Read a text from shared memory (partner: posix-shm-writer, started before this)
#[derive(Parser)]
struct Args {
    /// The segment; removed at the end
    #[arg(default_value = posix_shm::NAME, value_parser = posix_shm::parse_name)]
    name: String,
}

fn main() -> Result<(), Failure> {
    let Args { name } = Args::parse();

    // Memory has no event to wait for, so this looks again and again: at first there may be no
    // segment, then one without a size, then one without a text.
    let found = lesson::poll_until(PATIENCE, || {
        let Some(segment) = posix_shm::open(&name)? else {
            return Ok(None);
        };
        let text = posix_shm::read(posix_shm::bytes(&segment));
        Ok(text.map(|text| (segment, text)))
    })?;
    let (mut segment, text) = found.ok_or_else(|| {
        lesson::start_first(
            format!("no text in shared memory {name}"),
            &lesson::with_argument("posix-shm-writer", &name, posix_shm::NAME),
        )
    })?;

    // `text` is a copy, so the memory may go. An owner unlinks the name when it is dropped;
    // nobody else does, and it would stay until the machine is shut down.
    segment.set_owner(true);
    drop(segment);
    say!("Read: {text}");
    Ok(())
}
