//! Messages over a stream of bytes: in front of each payload stands its length, a u32 in
//! network byte order (big endian). Any `Write` and `Read` will do: socket, pipe, file.
//!
//! Errors are `io::Error`s, and their kind says what went wrong: `UnexpectedEof` for a stream
//! that ends inside a frame, `InvalidData` and `InvalidInput` for a length above [`MAX`].

#[cfg(test)]
mod tests;

use std::io::{self, ErrorKind, Read, Write};

/// The longest payload, in bytes (1 MiB). Without a limit, four wrong bytes from a stranger
/// make the reader allocate 4 GiB.
pub const MAX: usize = 1 << 20;

/// The size of a length, in bytes: each frame begins with one.
pub const HEADER: usize = size_of::<u32>();

/// Writes one frame, in one write(2) where the kernel takes it whole; see send(2).
///
/// # Errors
/// `InvalidInput` for a payload above [`MAX`], of which nothing is written; what `to` fails with.
pub fn write_frame(to: &mut impl Write, payload: &[u8]) -> io::Result<()> {
    let length = checked(payload.len(), ErrorKind::InvalidInput)?;
    // Header and payload together: as two writes, TCP would hold the second, a small one, until
    // the partner has acknowledged the first (TCP_NODELAY in tcp(7)), which Linux may put off for 40 ms.
    let mut frame = Vec::with_capacity(HEADER + payload.len());
    frame.extend((length as u32).to_be_bytes());
    frame.extend(payload);
    // Writes on where the kernel took only a part, and again after EINTR.
    to.write_all(&frame)
}

/// Reads one frame, in however many pieces it comes; `None` is end-of-file after a whole frame.
///
/// # Errors
/// `UnexpectedEof` inside a frame, with how many bytes of how many came; `InvalidData` for a
/// length above [`MAX`], for which nothing is allocated; what `from` fails with.
pub fn read_frame(from: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut header = [0; HEADER];
    match fill(from, &mut header)? {
        0 => return Ok(None),
        HEADER => {}
        came => return Err(torn("header", came, HEADER)),
    }
    let length = checked(u32::from_be_bytes(header) as usize, ErrorKind::InvalidData)?;

    let mut payload = vec![0; length];
    let came = fill(from, &mut payload)?;
    if came < length {
        return Err(torn("payload", came, length));
    }
    Ok(Some(payload))
}

/// Reads until `buffer` is full or the stream ends, and says how many bytes came. `read_exact`
/// would not: it does not tell an end at the very beginning from one in the middle.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut came = 0;
    while came < buffer.len() {
        match from.read(&mut buffer[came..]) {
            Ok(0) => break,
            Ok(bytes) => came += bytes,
            // A signal came first (EINTR): nothing was read, nothing is lost.
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(came)
}

fn checked(length: usize, kind: ErrorKind) -> io::Result<usize> {
    if length <= MAX {
        return Ok(length);
    }
    let why = format!("a frame of {length} bytes, where {MAX} are the limit");
    Err(io::Error::new(kind, why))
}

fn torn(part: &str, came: usize, of: usize) -> io::Error {
    let why = format!("end-of-file inside the {part} of a frame: {came} of {of} bytes came");
    io::Error::new(ErrorKind::UnexpectedEof, why)
}
