//! What server and client agree on. The conversation is that of lesson `unix-echo`.

/// Where the two programs meet when no ADDR is given.
pub const ADDRESS: &str = "127.0.0.1:8080";

/// So many clients can connect and wait while the server talks to another one.
pub const BACKLOG: i32 = 16;
