//! One conversation: the bytes go back as they come, whole lines are printed.

use std::io::{ErrorKind, Read, Write, stdout};
use std::net::TcpStream;
use std::os::fd::RawFd;

/// What fits into one write(2) that no other thread's write comes between; see pipe(7).
const PIPE_BUF: usize = 4096;

/// The longest line that is printed in one piece, in bytes: with the prefix it fits too.
const LONGEST: usize = 4000;

/// Sends everything back until the client sends no more or is gone; see recv(2), send(2).
pub fn echo(mut client: &TcpStream, number: RawFd) {
    let mut lines = Lines::of(number);
    let mut buffer = [0; 16 * 1024];
    loop {
        let bytes = match client.read(&mut buffer) {
            // The client has closed its side for writing, and perhaps waits for the rest of its
            // echo: all of that has been sent.
            Ok(0) => break,
            Ok(length) => &buffer[..length],
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => break, // ECONNRESET: the client has gone without a goodbye.
        };
        lines.print(bytes);
        // Blocks while the client does not read, in this thread alone. EPIPE: it has gone.
        if client.write_all(bytes).is_err() {
            break;
        }
    }
    lines.rest();
}

/// Cuts a stream of bytes into lines and prints each with the client's number in front.
struct Lines {
    prefix: String,
    /// What has come of the line that has no end yet: at most `LONGEST` bytes and a newline.
    line: Vec<u8>,
    /// Whole lines to print, `PIPE_BUF` bytes at most.
    whole: Vec<u8>,
}

impl Lines {
    fn of(number: RawFd) -> Self {
        let prefix = format!("Client {number}: ");
        Self {
            prefix,
            line: Vec::new(),
            whole: Vec::new(),
        }
    }

    fn print(&mut self, bytes: &[u8]) {
        let lines = bytes.split_inclusive(|&byte| byte == b'\n');
        for piece in lines.flat_map(|line| line.chunks(LONGEST)) {
            // A client may send for ever without a newline: its line is printed in pieces.
            if self.line.len() + piece.len() > LONGEST && piece != b"\n" {
                self.end_line();
            }
            self.line.extend(piece);
            if piece.ends_with(b"\n") {
                self.end_line();
            }
        }
        if !self.whole.is_empty() {
            self.print_whole();
        }
    }

    /// Prints a last line that has no newline.
    fn rest(&mut self) {
        if !self.line.is_empty() {
            self.end_line();
            self.print_whole();
        }
    }

    fn end_line(&mut self) {
        if self.whole.len() + self.prefix.len() + self.line.len() + 1 > PIPE_BUF {
            self.print_whole();
        }
        self.whole.extend(self.prefix.as_bytes());
        self.whole.append(&mut self.line);
        if !self.whole.ends_with(b"\n") {
            self.whole.push(b'\n');
        }
    }

    /// Prints without a lock, which many threads would wait for: the kernel keeps writes of this
    /// size apart, in a pipe as in a file.
    fn print_whole(&mut self) {
        let written = nix::unistd::write(stdout(), &self.whole).unwrap_or(0);
        if written < self.whole.len() {
            // It failed, and fails again: this tells why, or ends quietly if nobody reads.
            lesson::print(&self.whole[written..]);
        }
        self.whole.clear();
    }
}
