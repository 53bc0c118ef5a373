//! For the tests: makes a segment of any size, as another program might.
//!
//! make-segment DIR SIZE

use std::path::PathBuf;

use anyhow::Context;
use sysv_shm::{PROJECT, Segment};

fn main() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1);
    let dir = PathBuf::from(words.next().context("usage: make-segment DIR SIZE")?);
    let size = words.next().context("usage: make-segment DIR SIZE")?;
    Segment::create(lesson::ftok(&dir, PROJECT)?, size.parse().context("SIZE")?)?
        .context("there is a segment already")?;
    Ok(())
}
