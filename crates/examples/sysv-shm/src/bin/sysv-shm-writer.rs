//! Writes a text into a System V shared memory segment, and ends; the segment stays.
//!
//! Its partner is sysv-shm-reader, started after it.

use anyhow::Context;
use clap::Parser;
use lesson::{Failure, say};
use sysv_shm::{Key, PROJECT, SIZE, Segment, text};

/// Write a text into shared memory (partner: sysv-shm-reader, started afterwards)
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    key: Key,
}

fn main() -> Result<(), Failure> {
    let Args { key } = Args::parse();
    lesson::clean_up_on_signal()?;
    let key = lesson::ftok(&key.dir, PROJECT)?;

    let making = lesson::making();
    let (segment, made) = match Segment::create(key, SIZE)? {
        Some(segment) => {
            let made = making.remove_at_end(move || drop(segment.remove()));
            (segment, Some(made))
        }
        // Left by an earlier run that nobody has read, or that was killed.
        None => {
            drop(making); // Nothing made: a signal need not wait.
            let segment = Segment::open(key, SIZE)?;
            (
                segment.context("the segment was removed just now: start again")?,
                None,
            )
        }
    };
    say!("Shared memory created (ID: {})", segment.id());

    // From here on the segment is memory like any other: reading and writing it takes no
    // system call, and nobody but the programs themselves keeps order in it.
    let memory = segment.attach()?;
    say!("Attached at address: {:p}", memory.address());

    let text = "Hello from shared memory!";
    text::publish(memory.bytes(), text);
    say!("Wrote: {text}");

    // The text waits in the kernel for whoever comes; the reader removes the segment.
    if let Some(made) = made {
        made.leave();
    }
    Ok(())
}
