//! What server and client agree on. The protocol is in README.md.

/// Where the programs meet when no PATH is given.
pub const SOCKET_PATH: &str = "/tmp/chat_socket";

/// The longest name, in bytes.
pub const LONGEST_NAME: usize = 20;

/// The longest line that a client may send, in bytes, without its newline.
pub const LONGEST_LINE: usize = 1000;

/// So much may wait for a client that does not read, in bytes (1 MiB).
pub const MOST_WAITING: usize = 1 << 20;

/// What everybody is told when the server ends.
pub const FAREWELL: &str = "* the server ends";
