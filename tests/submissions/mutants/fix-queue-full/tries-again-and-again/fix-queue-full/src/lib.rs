//! What sender and receiver agree on: what a message looks like.

/// Where the two programs meet when no NAME is given.
pub const NAME: &str = "/exercise_queue";

/// The last message: no bytes at all, not even the NUL behind a text.
pub const END: &[u8] = b"";

/// A line as a message: its text and a NUL.
pub fn message(line: &str) -> Vec<u8> {
    [line.as_bytes(), b"\0"].concat()
}
