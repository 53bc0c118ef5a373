//! Sends each line of its standard input as a request, and prints the answers as they come.
//!
//! Its partner is tcp-service-server, started before it.

use std::io::{BufRead, ErrorKind, stdin};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread;

use anyhow::{Context, anyhow};
use clap::Parser;
use framing::{read_frame, write_frame};
use lesson::{Failure, start_first};
use tcp_service::Address;

/// Send each line as a request, and print the answers (partner: tcp-service-server, started before)
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    server: Address,
}

fn main() -> Result<(), Failure> {
    let Args { server } = Args::parse();
    let mut server = connect(server.address)?;

    // Sending and receiving at the same time: if server and client both only sent, or both waited for
    // the other to read, they would wait for ever.
    let (requests, sent) = mpsc::channel();
    let to = server.try_clone().context("dup the socket")?;
    thread::spawn(move || {
        let count = send(&to);
        // First this: main must find it here once the server has closed its side, too.
        let _ = requests.send(count);
        // No more requests; the answers still come.
        let _ = to.shutdown(Shutdown::Write); // ENOTCONN: the server has gone.
    });

    let mut answers = 0;
    while let Some(mut answer) = read_frame(&mut server).context("receive")? {
        answer.push(b'\n');
        lesson::print(&answer);
        answers += 1;
    }
    // The thread may wait for more input still: it ends with the process.
    let count = sent.try_recv().ok().transpose()?;
    if count != Some(answers) {
        let early = anyhow!("the server has closed the connection after {answers} answers");
        return Err(early.into());
    }
    Ok(())
}

fn connect(address: SocketAddr) -> anyhow::Result<TcpStream> {
    let server = TcpStream::connect(address).map_err(|error| match error.kind() {
        ErrorKind::ConnectionRefused => start_first(
            format!("connect {address}: nobody listens"),
            "tcp-service/tcp-service-server",
        ),
        _ => anyhow!(error).context(format!("connect {address}")),
    })?;
    // A request goes out at once, also while the one before it is not acknowledged; see tcp(7).
    server.set_nodelay(true).context("setsockopt TCP_NODELAY")?;
    Ok(server)
}

/// Sends one request after the other, without a thought for the answers; returns how many.
fn send(mut server: &TcpStream) -> anyhow::Result<usize> {
    let mut requests = 0;
    for line in stdin().lock().split(b'\n') {
        write_frame(&mut server, &line.context("read stdin")?).context("send")?;
        requests += 1;
    }
    Ok(requests)
}
