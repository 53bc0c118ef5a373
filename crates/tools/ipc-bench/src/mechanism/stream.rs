//! Descriptors that carry bytes in order: a message is so many of them.

use std::fs::File;
use std::io::{self, Read, Write};

use super::End;

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
