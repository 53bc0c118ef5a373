//! Sends each line as a datagram, and waits for its echo, but not for ever.
//!
//! Its partner is udp-echo-server, started before it.

use std::io::ErrorKind::{ConnectionRefused, Interrupted, WouldBlock};
use std::io::{self, BufRead, stdin};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Parser;
use lesson::{Failure, say, start_first};

/// Send lines as datagrams and show their echo (partner: udp-echo-server, started before)
#[derive(Parser)]
struct Args {
    /// The server's IP:PORT, IPv6 as [::1]:8080
    #[arg(value_name = "ADDR", default_value = udp_echo::ADDRESS)]
    address: SocketAddr,
}

fn main() -> Result<(), Failure> {
    let Args { address } = Args::parse();
    // Any free port of this machine, in the server's address family.
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).with_context(|| format!("bind {any}"))?;
    // connect(2) sends nothing: it only remembers the address, and lets errors come back.
    socket
        .connect(address)
        .with_context(|| format!("connect {address}"))?;
    // A datagram may get lost, and then no echo ever comes: SO_RCVTIMEO bounds the wait.
    let limit = Duration::from_secs(2);
    socket
        .set_read_timeout(Some(limit))
        .context("setsockopt SO_RCVTIMEO")?;
    say!("Sending to {address}. Type messages:");

    let mut buffer = vec![0; udp_echo::LONGEST];
    for line in stdin().lock().lines() {
        let line = line.context("read stdin")?;
        socket
            .send(line.as_bytes())
            .with_context(|| format!("send {} bytes", line.len()))?;
        let length = receive(&socket, &mut buffer).map_err(|error| match error.kind() {
            // The machine is there, but nobody has that port: it says so (ICMP).
            ConnectionRefused => {
                start_first(format!("nobody receives on {address}"), "udp-echo-server")
            }
            WouldBlock => start_first(
                format!("no echo from {address} within {limit:?}"),
                "udp-echo-server",
            ),
            _ => anyhow!(error).context("recv"),
        })?;
        say!("Echo: {}", String::from_utf8_lossy(&buffer[..length]));
    }
    Ok(())
}

/// With SO_RCVTIMEO even Ctrl-Z and fg end a recv, with EINTR: see signal(7).
fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match socket.recv(buffer) {
            Err(error) if error.kind() == Interrupted => {}
            received => return received,
        }
    }
}
