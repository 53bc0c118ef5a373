//! socketpair(2), AF_UNIX, SOCK_STREAM.

use std::fs::File;
use std::os::fd::OwnedFd;

use anyhow::Context;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, getsockopt, setsockopt, socketpair, sockopt,
};

use super::Pair;
use super::stream::Stream;

pub fn open(_size: usize) -> anyhow::Result<Pair> {
    let (ours, theirs) = sockets(SockType::Stream)?;
    Ok(Pair::new(both_ways(ours)?, both_ways(theirs)?))
}

/// Two connected sockets that take a message of 1 MiB where the kernel allows it.
pub fn sockets(kind: SockType) -> anyhow::Result<(OwnedFd, OwnedFd)> {
    let pair = socketpair(AddressFamily::Unix, kind, None, SockFlag::SOCK_CLOEXEC);
    let (ours, theirs) = pair.context("socketpair")?;
    if kind != SockType::Stream {
        for socket in [&ours, &theirs] {
            // More than /proc/sys/net/core/wmem_max is for root alone; others get that.
            let _ = setsockopt(socket, sockopt::SndBuf, &(2 << 20));
            let _ = setsockopt(socket, sockopt::SndBufForce, &(2 << 20));
        }
    }
    Ok((ours, theirs))
}

/// The longest message of a socket that keeps boundaries: what it may have under way, less 32 bytes, which
/// the kernel counts for itself.
pub fn max_packet() -> Option<usize> {
    let (socket, _other) = sockets(SockType::SeqPacket).ok()?;
    let most = getsockopt(&socket, sockopt::SndBuf).ok()?;
    Some(most.saturating_sub(32))
}

/// A socket is read and written through one descriptor.
pub fn both_ways(socket: OwnedFd) -> anyhow::Result<Stream> {
    let output = File::from(socket);
    let input = output.try_clone().context("dup a socket")?;
    Ok(Stream { input, output })
}
