//! Sends each datagram back to where it came from, until Ctrl-C.
//!
//! Its partner is udp-echo-client, started after it.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};

use anyhow::{Context, anyhow};
use clap::Parser;
use lesson::{Failure, say};

/// Echo datagrams (partner: udp-echo-client, started afterwards); Ctrl-C ends it
#[derive(Parser)]
struct Args {
    /// IP:PORT to receive on, IPv6 as [::1]:8080; port 0 takes a free one
    #[arg(value_name = "IP:PORT", default_value = udp_echo::ADDRESS, value_parser = lesson::parse_address)]
    address: SocketAddr,
}

fn main() -> Result<(), Failure> {
    let Args { address } = Args::parse();
    lesson::exit_on_signal()?;

    // socket(2) with SOCK_DGRAM and AF_INET or AF_INET6, and bind(2): no listen, no accept,
    // because there are no connections.
    let socket = UdpSocket::bind(address).map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => anyhow!(
            "bind {address}: EADDRINUSE: another program receives there (`ss -lunp` shows it): \
             end it or give another IP:PORT"
        ),
        ErrorKind::PermissionDenied => {
            anyhow!("bind {address}: EACCES: {}", lesson::PRIVILEGED_PORT)
        }
        _ => anyhow!(error).context(format!("bind {address}")),
    })?;
    let address = socket.local_addr().context("getsockname")?;
    say!("Server listening on port {}", address.port());

    let mut buffer = vec![0; udp_echo::LONGEST];
    loop {
        // One recvfrom, one datagram: whole, never two at once, and possibly empty. The sender's
        // address comes with it. A buffer that is too small would lose the rest.
        let (length, from) = socket.recv_from(&mut buffer).context("recvfrom")?;
        let datagram = &buffer[..length];
        udp_echo::show("Received: ", datagram);
        // A client that has gone is no reason to end.
        if let Err(error) = socket.send_to(datagram, from) {
            lesson::note!("sendto {from}: {error}");
        }
    }
}
