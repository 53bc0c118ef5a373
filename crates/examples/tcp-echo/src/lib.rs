//! What server and client agree on: the address. The conversation is that of `unix-echo`.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd;

use anyhow::{Context, anyhow};
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, bind, listen, setsockopt, socket,
    sockopt,
};

/// Where the two programs meet when no IP:PORT is given. 127.0.0.1 is this machine alone.
pub const ADDRESS: &str = "127.0.0.1:8080";

/// socket, setsockopt, bind and listen: what `std::net::TcpListener::bind` does in one.
///
/// # Errors
/// When the address is taken or not one of this machine.
pub fn listen_on(address: SocketAddr, backlog: i32) -> anyhow::Result<TcpListener> {
    // 1. Create a socket: nothing but a descriptor, as yet without an address.
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::Inet,
        SocketAddr::V6(_) => AddressFamily::Inet6,
    };
    let server =
        socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).context("socket")?;

    // Without this the port of a server that has closed a connection first stays taken for a minute
    // (TIME-WAIT); this one and the next one must both have set it.
    setsockopt(&server, sockopt::ReuseAddr, &true).context("setsockopt SO_REUSEADDR")?;

    // 2. and 3. Give it the address; nix does the conversion to network byte order.
    bind(server.as_raw_fd(), &SockaddrStorage::from(address)).map_err(|errno| match errno {
        Errno::EADDRINUSE => anyhow!(
            "bind {address}: EADDRINUSE: another program listens there (`ss -ltnp` shows it), or one \
             without SO_REUSEADDR has just ended (`ss -tan`: TIME-WAIT): end it, wait a minute, or \
             give another IP:PORT"
        ),
        Errno::EACCES => anyhow!("bind {address}: EACCES: {}", lesson::PRIVILEGED_PORT),
        _ => anyhow!(errno).context(format!("bind {address}")),
    })?;

    // 4. Listen: from here on clients can connect; so many wait in the queue for accept.
    let backlog = Backlog::new(backlog).context("backlog")?;
    listen(&server, backlog).with_context(|| format!("listen on {address}"))?;
    Ok(TcpListener::from(server))
}
