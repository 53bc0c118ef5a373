//! TCP over the loopback interface.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;

use anyhow::Context;

use super::Pair;
use super::unix_stream::both_ways;

pub fn open(_size: usize) -> anyhow::Result<Pair> {
    let (ours, theirs) = sockets()?;
    Ok(Pair::new(
        both_ways(OwnedFd::from(ours))?,
        both_ways(OwnedFd::from(theirs))?,
    ))
}

/// Two connected sockets that send at once.
pub fn sockets() -> anyhow::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("bind 127.0.0.1:0")?;
    let address = listener.local_addr().context("getsockname")?;
    let ours = TcpStream::connect(address).with_context(|| format!("connect {address}"))?;
    let (theirs, _) = listener
        .accept()
        .with_context(|| format!("accept on {address}"))?;
    for socket in [&ours, &theirs] {
        // Otherwise a short message waits for the acknowledgement of the last one: see tcp(7).
        socket.set_nodelay(true).context("setsockopt TCP_NODELAY")?;
    }
    Ok((ours, theirs))
}
