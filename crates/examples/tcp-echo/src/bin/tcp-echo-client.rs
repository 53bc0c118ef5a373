//! Sends lines to an echo server over TCP, and shows what comes back.
//!
//! Its partner is tcp-echo-server or threaded-server, started before it.

use std::io::ErrorKind;
use std::net::{Shutdown, SocketAddr, TcpStream};

use anyhow::anyhow;
use clap::Parser;
use lesson::{Failure, say, start_first, with_argument};

/// Send lines and show their echo (partner: tcp-echo-server or threaded-server, started before)
#[derive(Parser)]
struct Args {
    /// The server's IP:PORT
    #[arg(value_name = "IP:PORT", default_value = tcp_echo::ADDRESS, value_parser = lesson::parse_server)]
    address: SocketAddr,
}

fn main() -> Result<(), Failure> {
    let Args { address } = Args::parse();

    // 1. to 3.: socket(2) and connect(2) in one. Refused means: nobody listens on that port.
    let server = TcpStream::connect(address).map_err(|error| match error.kind() {
        ErrorKind::ConnectionRefused => start_first(
            format!("connect {address}: nobody listens"),
            &with_argument("tcp-echo-server", address, tcp_echo::ADDRESS),
        ),
        _ => anyhow!(error).context(format!("connect {address}")),
    })?;
    say!("Connected to server. Type messages:");

    // 4. shutdown tells the server that no more comes, and still lets the last echo come back.
    unix_echo::converse(&server, "Echo: ", |server| server.shutdown(Shutdown::Write));
    Ok(())
}
