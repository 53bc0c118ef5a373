//! Sends each line as a datagram, and waits for its echo, but not for ever.
//!
//! Its partner is udp-echo-server, started before it.

use std::io::ErrorKind::{ConnectionRefused, Interrupted, WouldBlock};
use std::io::{self, BufRead, stdin};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use clap::Parser;
use lesson::{Failure, say, start_first, with_argument};

/// How long the client waits for an echo.
const LIMIT: Duration = Duration::from_secs(2);

/// Send lines as datagrams and show their echo (partner: udp-echo-server, started before)
#[derive(Parser)]
struct Args {
    /// The server's IP:PORT, IPv6 as [::1]:8080
    #[arg(value_name = "IP:PORT", default_value = udp_echo::ADDRESS, value_parser = lesson::parse_server)]
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
    say!("Sending to {address}. Type messages:");

    let mut buffer = vec![0; udp_echo::LONGEST];
    let server = with_argument("udp-echo-server", address, udp_echo::ADDRESS);
    let mut lines = stdin().lock();
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).context("read stdin")? > 0 {
        let message = line.strip_suffix(b"\n").unwrap_or(&line);
        socket
            .send(message)
            .with_context(|| format!("send {} bytes", message.len()))?;
        let length = receive(&socket, &mut buffer).map_err(|error| match error.kind() {
            // The machine is there, but nobody has that port: it says so (ICMP).
            ConnectionRefused => start_first(format!("nobody receives on {address}"), &server),
            WouldBlock => start_first(format!("no echo from {address} within {LIMIT:?}"), &server),
            _ => anyhow!(error).context("recv"),
        })?;
        udp_echo::show("Echo: ", &buffer[..length]);
        if !line.ends_with(b"\n") {
            break; // Ctrl-D twice, at the end of what was typed: to read again would take a third.
        }
        line.clear();
    }
    Ok(())
}

/// A datagram may get lost, and then no echo ever comes: SO_RCVTIMEO bounds the wait.
///
/// With that option even Ctrl-Z and fg end a recv, with EINTR, see signal(7): then it goes on
/// with the time that is left, at least 1 ms, because the echo may have come meanwhile.
fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<usize> {
    let end = Instant::now() + LIMIT;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        socket.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        match socket.recv(buffer) {
            Err(error) if error.kind() == Interrupted && !left.is_zero() => {}
            Err(error) if error.kind() == Interrupted => return Err(WouldBlock.into()),
            received => return received,
        }
    }
}
