//! The mechanism and nothing else; src/bin/fifo-reader.rs is the whole program.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};

use anyhow::Context;

const PATH: &str = "/tmp/example_fifo";

fn main() -> anyhow::Result<()> {
    // Blocks until a process opens the same name for writing.
    let fifo = File::open(PATH).context("open")?;
    // Bytes arrive, not lines: BufReader collects the bytes up to each newline.
    for line in BufReader::new(fifo).lines() {
        println!("Received: {}", line.context("read")?);
    }
    // read(2) returned 0: no process has the FIFO open for writing.
    fs::remove_file(PATH).context("unlink")
}
