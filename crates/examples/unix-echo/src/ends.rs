//! The two ends of a conversation over any stream socket: lesson `tcp-echo` uses them too.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write, stdin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use anyhow::{Context, ensure};

/// A longer line is printed in pieces: what a client sends must not fill the server's memory.
const LONGEST: u64 = 64 * 1024;

/// The server's end: sends each line back and shows it, until the client closes the connection.
///
/// # Errors
/// When the connection fails; a client that has simply gone is no error.
pub fn echo<S>(stream: &S) -> anyhow::Result<()>
where
    for<'a> &'a S: Read + Write,
{
    let mut from_client = BufReader::new(stream);
    let mut to_client = stream;
    let mut line = b"Received: ".to_vec();
    let prefix = line.len();
    loop {
        // A socket carries bytes, not lines: one recv may bring half a line or ten.
        let mut rest = from_client.by_ref().take(LONGEST);
        let echoed = match rest.read_until(b'\n', &mut line) {
            Ok(0) => return Ok(()), // end-of-file: the client has closed its side
            Ok(_) => {
                lesson::print(&line);
                to_client.write_all(&line[prefix..])
            }
            Err(error) => Err(error),
        };
        match echoed.map_err(|error| (error.kind(), error)) {
            Ok(()) => line.truncate(prefix),
            // The client was killed, or closed without reading all.
            Err((ErrorKind::ConnectionReset | ErrorKind::BrokenPipe, _)) => return Ok(()),
            Err((_, error)) => return Err(error).context("talk to the client"),
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
/// When the server has gone before everything came back.
pub fn converse<S: Sync>(
    stream: &S,
    label: &str,
    hang_up: impl Fn(&S) -> std::io::Result<()>,
) -> anyhow::Result<()>
where
    for<'a> &'a S: Read + Write,
{
    let finished = AtomicBool::new(false);
    let sent = AtomicU64::new(0);
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
                // The other thread may be waiting for the keyboard.
                lesson::end(outcome);
            }
        });
        let mut lines = stdin().lock();
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).context("read stdin")? > 0 {
            sent.fetch_add(line.len() as u64, Ordering::SeqCst);
            (&*stream).write_all(&line).context("send to the server")?;
            line.clear();
        }
        finished.store(true, Ordering::SeqCst);
        hang_up(stream).context("shutdown")
    })
}

/// Shows what comes, line by line, until end-of-file; returns the number of bytes.
fn show_echoes<S>(stream: &S, label: &str) -> anyhow::Result<u64>
where
    for<'a> &'a S: Read,
{
    let mut from_server = BufReader::new(stream);
    let mut line = label.as_bytes().to_vec();
    let mut echoed = 0;
    loop {
        let length = from_server.read_until(b'\n', &mut line);
        match length.context("receive from the server")? {
            0 => return Ok(echoed),
            length => echoed += length as u64,
        }
        lesson::print(&line);
        line.truncate(label.len());
    }
}
