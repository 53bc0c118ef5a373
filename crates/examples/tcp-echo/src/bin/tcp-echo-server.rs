//! Sends back what one client says over TCP, then ends.
//!
//! Its partner is tcp-echo-client, started after it.

use std::net::SocketAddr;

use anyhow::Context;
use clap::Parser;
use lesson::{Failure, say};

/// Echo what a client says over TCP (partner: tcp-echo-client, started afterwards)
#[derive(Parser)]
struct Args {
    /// IP:PORT to listen on; 0.0.0.0 lets the whole network in, port 0 takes a free one
    #[arg(value_name = "IP:PORT", default_value = tcp_echo::ADDRESS, value_parser = lesson::parse_address)]
    address: SocketAddr,
}

fn main() -> Result<(), Failure> {
    let Args { address } = Args::parse();
    // Also while it waits in accept or recv; a server that is told to end has not failed.
    lesson::exit_on_signal()?;

    // 1. to 4.: src/lib.rs.
    let server = tcp_echo::listen_on(address, 5)?;
    let address = server.local_addr().context("getsockname")?;
    say!("Server listening on port {}", address.port());

    // 5. Accept: sleeps until a client comes; its connection is a socket of its own.
    let (client, from) = server
        .accept()
        .with_context(|| format!("accept on {address}"))?;
    say!("Client connected from {from}");

    // 6. Echo, until the client closes its side.
    Ok(unix_echo::echo(&client)?)
}
