//! What client and server agree on: one queue, in which requests and answers pass each other.

use anyhow::ensure;
use sysv_msgq::MessageType;

/// The type of a request. An answer's type is the process id of the client that it is for, which is
/// never 1: that is init.
pub const REQUEST: MessageType = 1;

/// The longest line that a client may ask with, in bytes.
pub const MAX_LINE: usize = 80;

/// The text of a request: the client's process id, a space, the line.
///
/// # Errors
/// When the line is longer than [`MAX_LINE`].
pub fn request(client: MessageType, line: &str) -> anyhow::Result<String> {
    let length = line.len();
    ensure!(
        length <= MAX_LINE,
        "a line of {length} bytes: the limit is {MAX_LINE}"
    );
    Ok(format!("{client} {line}"))
}

/// The client's process id and its line; `None` if `text` is no request.
pub fn parse(text: &str) -> Option<(MessageType, &str)> {
    let (client, line) = text.split_once(' ')?;
    Some((client.parse().ok()?, line))
}
