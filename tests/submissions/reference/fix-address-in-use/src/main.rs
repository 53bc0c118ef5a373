//! A server that tells each client one line over TCP and hangs up.
//!
//! Its client, started afterwards: bash -c 'cat < /dev/tcp/127.0.0.1/8080'

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd;

use anyhow::Context;
use clap::Parser;
use lesson::{Failure, note, say};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, bind, listen, setsockopt, socket,
    sockopt,
};

/// Tell each TCP client one line
#[derive(Parser)]
struct Args {
    /// IP:PORT to listen on; port 0 takes a free one
    #[arg(value_name = "ADDR", default_value = "127.0.0.1:8080")]
    address: SocketAddr,
    /// The line
    #[arg(default_value = "hello")]
    line: String,
}

fn main() -> Result<(), Failure> {
    let Args { address, line } = Args::parse();
    lesson::exit_on_signal()?;
    let server = listen_on(address)?;
    let address = server.local_addr().context("getsockname")?;
    say!("Server listening on port {}", address.port());

    for number in 1.. {
        let (mut client, _) = server
            .accept()
            .with_context(|| format!("accept on {address}"))?;
        match client.write_all(format!("{line}\n").as_bytes()) {
            Ok(()) => say!("Client {number}: told {line}"),
            Err(error) => note!("client {number}: {error}"),
        }
        // The server closes first, and so its side of the connection outlives them both.
    }
    Ok(())
}

/// socket, bind and listen: from then on clients can connect.
fn listen_on(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::Inet,
        SocketAddr::V6(_) => AddressFamily::Inet6,
    };
    let server =
        socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).context("socket")?;
    // What this server closed first stays in TIME_WAIT for a minute. bind may give the port to a new
    // server all the same, if both have said so; one that listens is never bypassed.
    setsockopt(&server, sockopt::ReuseAddr, &true).context("setsockopt SO_REUSEADDR")?;
    bind(server.as_raw_fd(), &SockaddrStorage::from(address))
        .with_context(|| format!("bind {address}"))?;
    let backlog = Backlog::new(5).context("backlog")?;
    listen(&server, backlog).with_context(|| format!("listen on {address}"))?;
    Ok(TcpListener::from(server))
}
