//! Sends lines to an echo server over TCP, and shows what comes back. Started before its
//! server it waits for it.
//!
//! Its partner is fix-cannot-connect-server.

use std::io::ErrorKind;
use std::net::{Shutdown, SocketAddrV4, TcpStream};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Parser;
use fix_cannot_connect::ADDRESS;
use lesson::{Failure, poll_until, say};

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

/// A connection to the server, within `wait` at most.
fn connect(address: SocketAddrV4, wait: Duration) -> anyhow::Result<TcpStream> {
    let start = Instant::now();
    let mut told = false;
    // The kernel has no event for "somebody listens there now", so this polls.
    let connected = poll_until(wait, || {
        // Where a firewall swallows the request, connect alone could take minutes. Never 0, which
        // is an error.
        let left = wait.saturating_sub(start.elapsed());
        let left = left.max(Duration::from_millis(1));
        match TcpStream::connect_timeout(&address.into(), left) {
            Ok(server) => Ok(Some(server)),
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                if !told {
                    say!("Waiting for {address}");
                    told = true;
                }
                Ok(None)
            }
            Err(error) => Err(error).with_context(|| format!("connect {address}")),
        }
    })?;
    connected.with_context(|| {
        format!(
            "connect {address}: nobody listens there within {} s: start fix-cannot-connect-server",
            wait.as_secs()
        )
    })
}
