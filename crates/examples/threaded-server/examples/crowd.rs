//! For the tests: many clients at once, and clients that behave badly.
//!
//! crowd ADDR full CLIENTS BYTES      all connect, then each sends BYTES and compares its echo
//! crowd ADDR half-close BYTES        sends, closes its side for writing, reads to end-of-file
//! crowd ADDR silent CLIENTS          connects and waits for the end of standard input
//! crowd ADDR deaf                    sends and never reads, until the server takes no more
//! crowd ADDR reset                   resets the connection while the server sends
//! crowd ADDR rate CLIENTS SECONDS    64 bytes there and back, again and again: how many a second

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use lesson::{Failure, say};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::{setsockopt, sockopt};

fn main() -> Result<(), Failure> {
    Ok(run()?)
}

fn run() -> anyhow::Result<()> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let [addr, rest @ ..] = &words.iter().map(String::as_str).collect::<Vec<_>>()[..] else {
        bail!(
            "usage: crowd ADDR WHAT [NUMBER...] (see crates/examples/threaded-server/examples/crowd.rs)"
        );
    };
    let addr: SocketAddr = addr.parse().context("ADDR")?;
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).context("getrlimit")?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).context("setrlimit")?;

    match rest {
        ["full", clients, bytes] => full(addr, number(clients)?, number(bytes)?),
        ["half-close", bytes] => half_close(addr, number(bytes)?),
        ["silent", clients] => silent(addr, number(clients)?),
        ["deaf"] => deaf(addr),
        ["reset"] => reset(addr),
        ["rate", clients, seconds] => rate(addr, number(clients)?, number(seconds)?),
        _ => bail!("crowd does not know {rest:?}"),
    }
}

fn number(word: &str) -> anyhow::Result<usize> {
    word.parse()
        .with_context(|| format!("{word:?} is no number"))
}

fn connect(addr: SocketAddr) -> anyhow::Result<TcpStream> {
    TcpStream::connect(addr).with_context(|| format!("connect {addr}"))
}

fn connect_all(addr: SocketAddr, clients: usize) -> anyhow::Result<Vec<TcpStream>> {
    (0..clients).map(|_| connect(addr)).collect()
}

/// Different for each client: what one gets of another's shows. Lines of 63 letters.
fn text(client: usize, bytes: usize) -> Vec<u8> {
    let letter = |i| b'a' + ((i + i / 64 + client * 7 + i * client) % 26) as u8;
    (0..bytes)
        .map(|i| if i % 64 == 63 { b'\n' } else { letter(i) })
        .collect()
}

fn full(addr: SocketAddr, clients: usize, bytes: usize) -> anyhow::Result<()> {
    let start = Instant::now();
    let sockets = connect_all(addr, clients)?;
    say!("{clients} connected in {} ms", start.elapsed().as_millis());
    thread::scope(|scope| {
        let one = |(client, mut socket): (usize, TcpStream)| {
            scope.spawn(move || {
                let sent = text(client, bytes);
                socket.write_all(&sent).context("send")?;
                let mut echo = vec![0; bytes];
                socket.read_exact(&mut echo).context("receive")?;
                ensure!(echo == sent, "client {client}: the echo differs");
                Ok(())
            })
        };
        // All threads first, then their results.
        let threads: Vec<_> = sockets.into_iter().enumerate().map(one).collect();
        threads.into_iter().try_for_each(join)
    })?;
    say!("{clients} times {bytes} bytes came back");
    Ok(())
}

fn join<T>(thread: thread::ScopedJoinHandle<'_, anyhow::Result<T>>) -> anyhow::Result<T> {
    thread.join().unwrap_or_else(|_| bail!("a client panicked"))
}

fn half_close(addr: SocketAddr, bytes: usize) -> anyhow::Result<()> {
    let mut socket = connect(addr)?;
    // No newline in it: the server cannot wait for one.
    let sent: Vec<_> = text(1, bytes)
        .into_iter()
        .map(|byte| byte.max(b'A'))
        .collect();
    socket.write_all(&sent).context("send")?;
    socket.shutdown(Shutdown::Write).context("shutdown")?;
    let mut echo = Vec::new();
    socket.read_to_end(&mut echo).context("receive")?;
    ensure!(echo == sent, "{} of {bytes} bytes came back", echo.len());
    say!("{bytes} bytes came back, then end-of-file");
    Ok(())
}

fn silent(addr: SocketAddr, clients: usize) -> anyhow::Result<()> {
    let sockets = connect_all(addr, clients)?;
    say!("{clients} connected");
    io::stdin().read_to_end(&mut Vec::new()).context("stdin")?;
    drop(sockets);
    Ok(())
}

/// Sends until both sides' buffers are full, so that the server is blocked in its write.
fn fill(socket: &mut TcpStream) -> anyhow::Result<usize> {
    socket
        .set_write_timeout(Some(Duration::from_millis(300)))
        .context("SO_SNDTIMEO")?;
    let mut sent = 0;
    loop {
        match socket.write(&[b'x'; 1 << 16]) {
            Ok(bytes) => sent += bytes,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(sent),
            Err(error) => return Err(error).context("send"),
        }
    }
}

fn deaf(addr: SocketAddr) -> anyhow::Result<()> {
    let mut socket = connect(addr)?;
    let sent = fill(&mut socket)?;
    say!("deaf: the server takes no more after {sent} bytes");
    io::stdin().read_to_end(&mut Vec::new()).context("stdin")?;
    Ok(())
}

fn reset(addr: SocketAddr) -> anyhow::Result<()> {
    let mut socket = connect(addr)?;
    fill(&mut socket)?;
    // With a linger time of 0 close(2) sends RST and throws away what was not sent.
    let at_once = nix::libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    setsockopt(&socket, sockopt::Linger, &at_once).context("setsockopt SO_LINGER")?;
    drop(socket);
    say!("reset");
    Ok(())
}

fn rate(addr: SocketAddr, clients: usize, seconds: usize) -> anyhow::Result<()> {
    let sockets = connect_all(addr, clients)?;
    let start = Instant::now();
    let end = start + Duration::from_secs(seconds as u64);
    let echoes: usize = thread::scope(|scope| {
        let one = |(client, mut socket): (usize, TcpStream)| {
            scope.spawn(move || {
                let line = text(client, 64);
                let mut echo = [0; 64];
                let mut echoes = 0;
                // Once at least: with a thousand clients one may get no turn before the end.
                while echoes == 0 || Instant::now() < end {
                    socket.write_all(&line).context("send")?;
                    socket.read_exact(&mut echo).context("receive")?;
                    echoes += 1;
                }
                ensure!(echo[..] == line, "client {client}: the echo differs");
                Ok(echoes)
            })
        };
        let threads: Vec<_> = sockets.into_iter().enumerate().map(one).collect();
        threads.into_iter().map(join).sum::<anyhow::Result<usize>>()
    })?;
    say!(
        "{:.0} echoes/s",
        echoes as f64 / start.elapsed().as_secs_f64()
    );
    Ok(())
}
