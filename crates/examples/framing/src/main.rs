//! Three messages sent through a stream socket arrive merged and torn; with their length in
//! front of each (src/lib.rs), they arrive as they were sent.
//!
//! One program, no partner: cargo run -q --bin framing

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

use anyhow::{Context, bail};
use fork_isolation::reap;
use framing::{read_frame, write_frame};
use lesson::{Failure, say};
use nix::unistd::{ForkResult, fork};

const MESSAGES: [&str; 3] = ["Hello", "World!", "How are you?"];

fn main() -> Result<(), Failure> {
    lesson::no_arguments!();
    say!("Without frames: {MESSAGES:?} sent, at most 8 bytes a read");
    let mut stream = from_child(|mut stream| {
        MESSAGES
            .iter()
            .try_for_each(|message| stream.write_all(message.as_bytes()))
    })?;
    // The socket knows no messages: a read(2) returns up to as many bytes as it asks for,
    // wherever in a message that begins or ends.
    let mut buffer = [0; 100];
    loop {
        let length = stream.read(&mut buffer).context("read from the socket")?;
        if length == 0 {
            break;
        }
        say!(
            "  one read: {:?}",
            String::from_utf8_lossy(&buffer[..length])
        );
    }

    say!("With frames: the same messages, at most 8 bytes a read");
    let mut stream = from_child(|mut stream| {
        MESSAGES
            .iter()
            .try_for_each(|message| write_frame(&mut stream, message.as_bytes()))
    })?;
    while let Some(payload) = read_frame(&mut stream).context("read a frame")? {
        say!("  one frame: {:?}", String::from_utf8_lossy(&payload));
    }
    say!("  end-of-file after a whole frame: that was all");

    say!("What is no whole frame is an error:");
    refused("the sender dies", b"\0\0\0\x0cHow are")?;
    refused("a web browser calls", b"GET / HTTP/1.1\r\n")?;
    Ok(())
}

/// Reads a frame from a child that sends other bytes.
fn refused(why: &str, bytes: &[u8]) -> anyhow::Result<()> {
    let mut stream = from_child(|mut stream| stream.write_all(bytes))?;
    match read_frame(&mut stream) {
        Err(error) => say!("  {why}: {error}"),
        Ok(frame) => bail!("{why}: taken for a frame: {frame:?}"),
    }
    Ok(())
}

/// A stream full of what a child has sent. The child has ended, so all of it is there: what the
/// reads return does not depend on who is faster.
fn from_child(send: impl FnOnce(UnixStream) -> io::Result<()>) -> anyhow::Result<EightBytes> {
    // socketpair(2): two connected sockets of type SOCK_STREAM. TCP behaves in the same way.
    let (ours, theirs) = UnixStream::pair().context("socketpair")?;
    // SAFETY: this process has one thread, so the child can hold no lock of a thread it lacks.
    match unsafe { fork() }.context("fork")? {
        ForkResult::Child => {
            drop(ours);
            lesson::end(send(theirs).context("write into the socket"))
        }
        ForkResult::Parent { child } => {
            drop(theirs);
            reap(child)?;
            Ok(EightBytes(ours))
        }
    }
}

/// Reads at most 8 bytes at a time, as a slow or busy network brings them.
struct EightBytes(UnixStream);

impl Read for EightBytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(8);
        self.0.read(&mut buffer[..most])
    }
}
