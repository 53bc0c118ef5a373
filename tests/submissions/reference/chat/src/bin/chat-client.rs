//! Takes part in a chat under a name.
//!
//! Its partner is chat-server, started before it.

use std::io::ErrorKind::{ConnectionRefused, ConnectionReset, NotFound};
use std::io::{BufRead, BufReader, Write, stdin};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context, anyhow, bail, ensure};
use chat::FAREWELL;
use clap::Parser;
use lesson::{Failure, start_first};

const GONE: &str = "the server has closed the connection";

/// Take part in a chat (partner: chat-server, started before)
#[derive(Parser)]
struct Args {
    /// Your name: 1 to 20 letters and digits
    name: String,
    /// The server's socket
    #[arg(default_value = chat::SOCKET_PATH)]
    path: PathBuf,
}

fn main() -> Result<(), Failure> {
    let Args { name, path } = Args::parse();
    let server = connect(&path)?;
    let mut from_server = BufReader::new(&server);
    join(&server, &mut from_server, &name)?;

    let finished = AtomicBool::new(false);
    // One thread waits for the server, one for the keyboard. Neither can wake the other, so when
    // the server has closed the connection, its thread ends the program.
    thread::scope(|scope| {
        scope.spawn(|| lesson::end(show(from_server, &finished)));
        if speak(&server)? {
            finished.store(true, Ordering::SeqCst);
            let _ = server.shutdown(Shutdown::Write); // ENOTCONN: it has gone.
        }
        Ok(())
    })
}

fn connect(path: &Path) -> anyhow::Result<UnixStream> {
    let call = format!("connect {}", path.display());
    UnixStream::connect(path).map_err(|error| match error.kind() {
        NotFound => start_first(
            format!("{call}: there is no such socket"),
            "chat/chat-server",
        ),
        ConnectionRefused => start_first(format!("{call}: nobody listens"), "chat/chat-server"),
        _ => anyhow!(error).context(call),
    })
}

/// Says who we are, and prints the answer unless that is a refusal.
fn join(mut server: &UnixStream, answers: &mut impl BufRead, name: &str) -> anyhow::Result<()> {
    // If it fails the server has gone, of which there will be no answer.
    let _ = server.write_all(format!("{name}\n").as_bytes());
    let answer = next_line(answers)?;
    if let Some(refusal) = answer.strip_prefix(b"! ") {
        bail!("{}", String::from_utf8_lossy(refusal).trim_end());
    }
    ensure!(!answer.is_empty(), GONE);
    lesson::print(&answer);
    Ok(())
}

/// Sends the lines of standard input; false if the server has gone before its end.
fn speak(mut server: &UnixStream) -> anyhow::Result<bool> {
    let mut line = Vec::new();
    let mut lines = stdin().lock();
    while lines.read_until(b'\n', &mut line).context("read stdin")? > 0 {
        if !line.ends_with(b"\n") {
            line.push(b'\n'); // the last line of a file may lack it
        }
        if server.write_all(&line).is_err() {
            return Ok(false); // EPIPE, which the other thread tells
        }
        line.clear();
    }
    Ok(true)
}

/// Prints what comes, until the server closes the connection.
fn show(mut server: impl BufRead, finished: &AtomicBool) -> anyhow::Result<()> {
    let mut told = false;
    loop {
        let line = next_line(&mut server)?;
        if line.is_empty() {
            let expected = told || finished.load(Ordering::SeqCst);
            ensure!(expected, GONE);
            return Ok(());
        }
        told = line.trim_ascii_end() == FAREWELL.as_bytes();
        lesson::print(&line);
    }
}

/// Empty once the server has closed the connection.
fn next_line(server: &mut impl BufRead) -> anyhow::Result<Vec<u8>> {
    let mut line = Vec::new();
    match server.read_until(b'\n', &mut line) {
        // It was killed, or has closed without reading everything.
        Err(error) if error.kind() == ConnectionReset => {}
        read => drop(read.context("receive from the server")?),
    }
    Ok(line)
}
