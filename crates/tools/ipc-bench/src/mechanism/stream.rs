//! Descriptors that carry bytes in order: a message is so many of them.

use std::fs::File;
use std::io::{self, Read, Write};

use super::{End, Pair};

/// Reads from one descriptor and writes to another, which may be the same one twice.
pub struct Stream {
    pub input: File,
    pub output: File,
}

impl End for Stream {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.output.write_all(message)
    }

    fn receive(&mut self, message: &mut [u8]) -> io::Result<()> {
        self.input.read_exact(message)
    }
}

/// Both sides, of two one-way streams that `open` gives: each the end to read from and that to write to.
pub fn streams(mut open: impl FnMut() -> anyhow::Result<(File, File)>) -> anyhow::Result<Pair> {
    let ((to_us, from_them), (to_them, from_us)) = (open()?, open()?);
    let side = |input, output| Stream { input, output };
    Ok(Pair::new(side(to_us, from_us), side(to_them, from_them)))
}

/// A descriptor that carries whole messages.
pub struct Packets(pub File);

impl End for Packets {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        whole(self.0.write(message)?, message.len())
    }

    fn receive(&mut self, message: &mut [u8]) -> io::Result<()> {
        whole(self.0.read(message)?, message.len())
    }
}

fn whole(moved: usize, length: usize) -> io::Result<()> {
    if moved == length {
        return Ok(());
    }
    let what = format!("{moved} bytes of a message of {length}");
    Err(io::Error::new(io::ErrorKind::UnexpectedEof, what))
}
