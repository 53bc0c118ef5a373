//! The two ends of a conversation over any stream socket: lesson `tcp-echo` uses them too.

use std::io::{self, BufRead, ErrorKind, Read, Write, stdin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use anyhow::{Context, ensure};

/// How much one recv takes at most, in bytes.
const BUFFER_SIZE: usize = 64 * 1024;

/// The server's end: sends everything back and shows it, until the client closes the connection.
///
/// # Errors
/// When the connection fails; a client that has simply gone is no error.
pub fn echo<S>(stream: &S) -> anyhow::Result<()>
where
    for<'a> &'a S: Read + Write,
{
    let (mut from_client, mut to_client) = (stream, stream);
    let mut buffer = vec![0; BUFFER_SIZE];
    let mut received = Labelled::new("Received: ");
    loop {
        // A socket carries bytes, not lines: one recv may bring half a line or ten. Half a line
        // is echoed too, because the client may wait for that before it sends the rest.
        let echoed = from_client.read(&mut buffer).and_then(|length| {
            received.show(&buffer[..length]);
            to_client.write_all(&buffer[..length]).map(|()| length)
        });
        match echoed {
            Ok(0) => return Ok(()), // end-of-file: the client has closed its side
            Ok(_) => {}
            // The client was killed, or closed without reading all: ECONNRESET, or EPIPE and no
            // SIGPIPE, which Rust ignores.
            Err(error) if gone(&error) => return Ok(()),
            Err(error) => return Err(error).context("talk to the client"),
        }
    }
}

/// The client's end: sends the lines of standard input, and shows what comes back with `label`
/// before each line. `hang_up` closes the sending side, see shutdown(2).
///
/// One thread sends, one receives: if one thread did both, a long line would fill the buffers
/// of both directions and everybody would wait for everybody.
///
/// # Errors
/// None: it ends the program when the server has gone before everything came back, or when
/// standard input cannot be read, because one thread cannot wake the other.
pub fn converse<S: Sync>(stream: &S, label: &str, hang_up: impl Fn(&S) -> io::Result<()>)
where
    for<'a> &'a S: Read + Write,
{
    let sent = AtomicU64::new(0);
    let finished = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let outcome = show_echoes(stream, label).and_then(|echoed| {
                let complete = echoed == sent.load(Ordering::SeqCst);
                ensure!(
                    finished.load(Ordering::SeqCst) && complete,
                    "the server has closed the connection: start it again"
                );
                Ok(())
            });
            if outcome.is_err() {
                lesson::end(outcome); // The other thread may be waiting for the keyboard.
            }
        });

        let outcome = send_lines(stream, &sent).and_then(|all| {
            finished.store(all, Ordering::SeqCst);
            match hang_up(stream) {
                Err(error) if error.kind() != ErrorKind::NotConnected => {
                    Err(error).context("shutdown")
                }
                _ => Ok(()),
            }
        });
        if outcome.is_err() {
            lesson::end(outcome); // The other thread waits for the server.
        }
    });
}

/// Sends standard input to its end, and counts the bytes; false if the server has gone before.
fn send_lines<S>(stream: &S, sent: &AtomicU64) -> anyhow::Result<bool>
where
    for<'a> &'a S: Write,
{
    let mut to_server = stream;
    let mut lines = stdin().lock();
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).context("read stdin")? > 0 {
        sent.fetch_add(line.len() as u64, Ordering::SeqCst);
        match to_server.write_all(&line) {
            // Ctrl-D twice, at the end of what was typed: to read again would take a third.
            Ok(()) if !line.ends_with(b"\n") => break,
            Ok(()) => line.clear(),
            // EPIPE, and no SIGPIPE, which Rust ignores: the receiving thread reports it.
            Err(error) if gone(&error) => return Ok(false),
            Err(error) => return Err(error).context("send to the server"),
        }
    }
    Ok(true)
}

/// Shows what comes until the server closes or is killed; returns the number of bytes.
fn show_echoes<S>(stream: &S, label: &str) -> anyhow::Result<u64>
where
    for<'a> &'a S: Read,
{
    let mut from_server = stream;
    let mut buffer = vec![0; BUFFER_SIZE];
    let mut echoes = Labelled::new(label);
    let mut echoed = 0;
    loop {
        match from_server.read(&mut buffer) {
            Ok(0) => return Ok(echoed),
            Ok(length) => {
                echoes.show(&buffer[..length]);
                echoed += length as u64;
            }
            Err(error) if gone(&error) => return Ok(echoed),
            Err(error) => return Err(error).context("receive from the server"),
        }
    }
}

/// Whether the process at the other end has gone, where we still had something to say.
fn gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
    )
}

/// Prints bytes as they come, with a label where a line begins, however they are cut.
struct Labelled<'a> {
    label: &'a str,
    line_begins: bool,
}

impl<'a> Labelled<'a> {
    fn new(label: &'a str) -> Self {
        Self {
            label,
            line_begins: true,
        }
    }

    fn show(&mut self, bytes: &[u8]) {
        let mut text = Vec::new();
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            if self.line_begins {
                text.extend_from_slice(self.label.as_bytes());
            }
            text.extend_from_slice(piece);
            self.line_begins = piece.ends_with(b"\n");
        }
        lesson::print(&text);
    }
}
