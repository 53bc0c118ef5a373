//! Sends lines to an echo server over TCP, and shows what comes back. Started before its server
//! it gives up at once: see README.md.
//!
//! Its partner is fix-cannot-connect-server.

use std::net::{Shutdown, SocketAddrV4, TcpStream};
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use fix_cannot_connect::ADDRESS;
use lesson::{Failure, say};

/// Send lines and show their echo (partner: fix-cannot-connect-server)
#[derive(Parser)]
struct Args {
    /// The server's IP:PORT
    #[arg(value_name = "ADDR", default_value = ADDRESS)]
    address: SocketAddrV4,
    /// How long to wait for a server that is not there yet
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    wait: u32,
}

fn main() -> Result<(), Failure> {
    let Args { address, wait } = Args::parse();
    let server = connect(address, Duration::from_secs(wait.into()))?;
    say!("Connected to {address}");
    unix_echo::converse(&server, "Echo: ", |server| server.shutdown(Shutdown::Write));
    Ok(())
}

/// A connection to the server, within `_wait` at most.
fn connect(address: SocketAddrV4, _wait: Duration) -> anyhow::Result<TcpStream> {
    // TODO: it does not wait for a server that is about to start, nor say where it has looked.
    TcpStream::connect(address).context("connect")
}
