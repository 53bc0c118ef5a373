//! What the sender and the receiver agree on: how a message travels through a socket.

use std::io::{Read, Write};

use anyhow::Context;

/// The longest message, in bytes (1 MiB).
pub const MAX: usize = 1 << 20;

/// Sends one message.
///
/// # Errors
/// When it cannot be sent.
pub fn send(to: &mut impl Write, message: &[u8]) -> anyhow::Result<()> {
    // TODO: how does the receiver know where it ends?
    to.write_all(message).context("send")
}

/// Receives one message; `None` is the end: the sender has closed its socket.
///
/// # Errors
/// When there is no whole message, or it is longer than [`MAX`].
pub fn receive(from: &mut impl Read) -> anyhow::Result<Option<Vec<u8>>> {
    // TODO: what one read returns may be half a message, or three.
    let mut message = vec![0; 1024];
    let length = from.read(&mut message).context("receive")?;
    message.truncate(length);
    Ok((length > 0).then_some(message))
}
