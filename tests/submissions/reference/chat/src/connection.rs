//! One client's socket, which neither a read nor a write ever waits for.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;

use anyhow::Context;

use crate::{LONGEST_LINE, MOST_WAITING};

/// A connection, and what is on its way through it.
pub struct Connection {
    pub socket: UnixStream,
    /// None until it has said who it is, and again once it has left.
    pub name: Option<String>,
    /// Nothing is read from it any more: it ends when `output` is empty.
    pub ending: bool,
    /// It cannot be written to, or does not read.
    pub broken: bool,
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Connection {
    pub fn new(socket: UnixStream) -> anyhow::Result<Self> {
        socket.set_nonblocking(true).context("set O_NONBLOCK")?;
        Ok(Self {
            socket,
            name: None,
            ending: false,
            broken: false,
            input: Vec::new(),
            output: Vec::new(),
        })
    }

    /// Reads what has come.
    pub fn receive(&mut self) {
        let mut buffer = [0; 64 * 1024];
        match self.socket.read(&mut buffer) {
            Ok(0) => self.ending = true, // it sends no more, but may still read
            Ok(length) => self.input.extend(&buffer[..length]),
            Err(error) if is_for_later(error.kind()) => {}
            Err(_) => self.broken = true,
        }
    }

    /// The next whole line of what has come; an error once a line is too long.
    pub fn next_line(&mut self) -> Result<Option<String>, ()> {
        let end = self.input.iter().position(|&byte| byte == b'\n');
        if end.unwrap_or(self.input.len()) > LONGEST_LINE {
            return Err(());
        }
        Ok(end.map(|end| {
            let line: Vec<u8> = self.input.drain(..=end).collect();
            String::from_utf8_lossy(&line[..end]).into_owned()
        }))
    }

    /// Sends a line: what the socket does not take now waits, up to a limit.
    pub fn send(&mut self, line: &str) {
        self.output.extend(line.as_bytes());
        self.output.push(b'\n');
        self.flush();
        if self.output.len() > MOST_WAITING {
            self.broken = true;
        }
    }

    /// Sends as much of what waits as the socket takes.
    pub fn flush(&mut self) {
        while !self.output.is_empty() && !self.broken {
            match self.socket.write(&self.output) {
                Ok(length) => drop(self.output.drain(..length)),
                Err(error) if is_for_later(error.kind()) => return,
                Err(_) => self.broken = true, // EPIPE: the client has gone
            }
        }
    }

    /// Whether something waits to be sent.
    pub fn is_waiting(&self) -> bool {
        !self.output.is_empty()
    }

    /// Whether its socket can be closed.
    pub fn is_over(&self) -> bool {
        self.broken || (self.ending && !self.is_waiting())
    }
}

fn is_for_later(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
