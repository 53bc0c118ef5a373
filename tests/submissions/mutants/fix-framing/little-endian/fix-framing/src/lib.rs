//! What the sender and the receiver agree on: in front of each message stands its length, a u32 in
//! network byte order (big endian).

use std::io::{Read, Write};

use anyhow::{Context, bail, ensure};

/// The longest message, in bytes (1 MiB).
pub const MAX: usize = 1 << 20;

/// Sends one message.
///
/// # Errors
/// When it is longer than [`MAX`], of which nothing is sent, or cannot be sent.
pub fn send(to: &mut impl Write, message: &[u8]) -> anyhow::Result<()> {
    check(message.len())?;
    // In one write: as two, TCP might hold the second back until the first is acknowledged.
    let mut frame = (message.len() as u32).to_le_bytes().to_vec();
    frame.extend(message);
    to.write_all(&frame).context("send")
}

/// Receives one message; `None` is the end: the sender has closed its socket.
///
/// # Errors
/// When there is no whole message, or it is longer than [`MAX`].
pub fn receive(from: &mut impl Read) -> anyhow::Result<Option<Vec<u8>>> {
    let mut header = Vec::new();
    // Reads on until four bytes are there, and returns fewer only at the end of the stream.
    let came = from.take(4).read_to_end(&mut header);
    if came.context("receive the length of a message")? == 0 {
        return Ok(None);
    }
    let Ok(header) = header.try_into() else {
        bail!("end-of-file inside the length of a message");
    };
    // It comes from the other side and may be anything: nothing is allocated before this.
    let length = u32::from_le_bytes(header) as usize;
    check(length)?;

    let mut message = vec![0; length];
    let what = || format!("receive a message of {length} bytes");
    from.read_exact(&mut message).with_context(what)?;
    Ok(Some(message))
}

fn check(length: usize) -> anyhow::Result<()> {
    ensure!(
        length <= MAX,
        "a message of {length} bytes: the limit is {MAX}"
    );
    Ok(())
}
