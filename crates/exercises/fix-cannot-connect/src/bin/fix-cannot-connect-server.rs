//! Echoes what clients say over TCP, one after the other. It says that it listens, but no client
//! can connect: see README.md.
//!
//! Its partner is fix-cannot-connect-client.

use std::net::{SocketAddrV4, TcpListener};
use std::os::fd::AsRawFd;

use anyhow::Context;
use clap::Parser;
use fix_cannot_connect::{ADDRESS, BACKLOG};
use lesson::{Failure, note, say};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, bind, listen, setsockopt, socket,
    sockopt,
};

/// Echo what TCP clients say, one after the other (partner: fix-cannot-connect-client)
#[derive(Parser)]
struct Args {
    /// IP:PORT to listen on
    #[arg(value_name = "ADDR", default_value = ADDRESS)]
    address: SocketAddrV4,
}

fn main() -> Result<(), Failure> {
    let Args { address } = Args::parse();
    lesson::exit_on_signal()?;
    let server = listen_on(address)?;
    say!("Server listening on port {}", address.port());

    for number in 1.. {
        let (client, _) = server
            .accept()
            .with_context(|| format!("accept on {address}"))?;
        say!("Client {number} connected");
        if let Err(error) = unix_echo::echo(&client) {
            note!("client {number}: {error:#}");
        }
    }
    Ok(())
}

/// socket, setsockopt, bind and listen: from then on clients can connect.
fn listen_on(address: SocketAddrV4) -> anyhow::Result<TcpListener> {
    let server = socket(
        AddressFamily::Inet,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC,
        None,
    )
    .context("socket")?;
    // After a restart its port is free at once.
    setsockopt(&server, sockopt::ReuseAddr, &true).context("setsockopt SO_REUSEADDR")?;

    // TODO: no error, and yet no client finds this server.
    let [a, b, c, d] = address.ip().octets();
    let port = address.port().to_be(); // network byte order, as htons makes it
    bind(server.as_raw_fd(), &SockaddrIn::new(a, b, c, d, port))
        .with_context(|| format!("bind {address}"))?;

    let backlog = Backlog::new(BACKLOG).context("backlog")?;
    listen(&server, backlog).with_context(|| format!("listen on {address}"))?;
    Ok(TcpListener::from(server))
}
