//! Writes a text into POSIX shared memory, and ends; the memory stays.
//!
//! Its partner is posix-shm-reader, in another terminal: start this one first.

use anyhow::ensure;
use clap::Parser;
use lesson::{Failure, say};

/// Write a text into shared memory (partner: posix-shm-reader, started after this)
#[derive(Parser)]
struct Args {
    /// The segment; the reader removes it
    #[arg(default_value = posix_shm::NAME, value_parser = posix_shm::parse_name)]
    name: String,
    /// What to write
    #[arg(long, allow_hyphen_values = true, default_value = "Hello from POSIX shared memory!", value_parser = parse_text)]
    text: String,
}

fn main() -> Result<(), Failure> {
    let Args { name, text } = Args::parse();
    lesson::clean_up_on_signal()?;

    // `segment` unlinks the name when it is dropped, since it made it. A signal drops nothing:
    // then `made` does it.
    let (mut segment, made) = posix_shm::create(&name)?;
    posix_shm::write(posix_shm::bytes(&segment), &text);
    say!("Wrote to shared memory");

    // The text stays for whoever comes: give the segment away, so that it is only unmapped.
    segment.set_owner(false);
    made.leave();
    Ok(())
}

fn parse_text(text: &str) -> anyhow::Result<String> {
    // Its first byte tells the reader that it is there, a NUL ends it.
    let longest = posix_shm::SIZE - 1;
    ensure!(
        (1..=longest).contains(&text.len()),
        "1 to {longest} bytes fit into the segment"
    );
    Ok(text.into())
}
