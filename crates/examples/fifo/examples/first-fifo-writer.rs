//! The mechanism and nothing else; src/bin/fifo-writer.rs is the whole program.

use std::fs::OpenOptions;
use std::io::{Write, stdin};

use anyhow::Context;
use nix::errno::Errno;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

const PATH: &str = "/tmp/example_fifo";

fn main() -> anyhow::Result<()> {
    // 1. Give the pipe a name, unless it has one already.
    match mkfifo(PATH, Mode::S_IRUSR | Mode::S_IWUSR) {
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(errno) => return Err(errno).context("mkfifo"),
    }
    // 2. Blocks until a process opens the same name for reading.
    let mut fifo = OpenOptions::new().write(true).open(PATH).context("open")?;
    // 3. From here on, it works like a pipe without a name.
    for line in stdin().lines() {
        let line = line.context("read stdin")? + "\n";
        fifo.write_all(line.as_bytes()).context("write")?;
    }
    Ok(())
} // 4. `fifo` is dropped, and so closed: end-of-file for the reader, unless another writer is left.
