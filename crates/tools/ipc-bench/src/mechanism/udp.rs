//! UDP over the loopback interface: what the receiver has no room for is lost.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use anyhow::Context;

use super::{End, Pair};

/// What fits into an IPv4 datagram beside its headers.
pub const MAX: usize = 65_507;

/// After this long a message that was waited for must have been lost.
const PATIENCE: Duration = Duration::from_secs(5);

struct Side(UdpSocket);

pub fn open(_size: usize) -> anyhow::Result<Pair> {
    let socket = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("bind 127.0.0.1:0");
    let (ours, theirs) = (socket()?, socket()?);
    for (from, to) in [(&ours, &theirs), (&theirs, &ours)] {
        let address = to.local_addr().context("getsockname")?;
        from.connect(address)
            .with_context(|| format!("connect {address}"))?;
        from.set_read_timeout(Some(PATIENCE))
            .context("setsockopt SO_RCVTIMEO")?;
    }
    Ok(Pair::new(Side(ours), Side(theirs)))
}

impl End for Side {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.0.send(message).map(drop)
    }

    fn receive(&mut self, message: &mut [u8]) -> io::Result<()> {
        self.0.recv(message).map(drop)
    }
}
