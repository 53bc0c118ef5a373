//! What server and client agree on: the address, and how long a datagram may be.

/// Where the two programs meet when no IP:PORT is given. 127.0.0.1 is this machine alone.
pub const ADDRESS: &str = "127.0.0.1:8080";

/// No datagram is longer, in bytes: its length field has 16 bits.
pub const LONGEST: usize = 65_535;

/// Prints a datagram with `label` before it; its bytes need not be UTF-8.
pub fn show(label: &str, datagram: &[u8]) {
    lesson::print(&[label.as_bytes(), datagram, b"\n"].concat());
}
