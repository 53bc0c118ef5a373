use std::net::SocketAddr;

/// An argument that is an address: an IP address and a port.
///
/// # Errors
/// Says what one looks like.
pub fn parse_address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(
        |_| "an IP address and a port up to 65535, such as 127.0.0.1:8080 or [::1]:8080; no names",
    )
}
