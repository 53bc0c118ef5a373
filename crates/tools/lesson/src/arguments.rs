use std::net::SocketAddr;

/// An argument that is an address: an IP address and a port.
///
/// # Errors
/// Says what one looks like.
pub fn parse_address(text: &str) -> Result<SocketAddr, &'static str> {
    let address = text.parse().map_err(
        |_| "an IP address and a port up to 65535, such as 127.0.0.1:8080 or [::1]:8080; no names",
    )?;
    match address {
        SocketAddr::V6(it) if it.ip().is_unicast_link_local() && it.scope_id() == 0 => Err(
            "such an address needs the number of its interface (`ip link`), as in [fe80::1%2]:8080",
        ),
        address => Ok(address),
    }
}

/// As [`parse_address`], of a server that is running.
///
/// # Errors
/// As [`parse_address`], and for port 0.
pub fn parse_server(text: &str) -> Result<SocketAddr, &'static str> {
    match parse_address(text)? {
        address if address.port() == 0 => {
            Err("port 0 lets a server have any: give the one that it has printed")
        }
        address => Ok(address),
    }
}

/// For the `main` of a program without arguments: answers `--help`, and refuses all others.
#[macro_export]
macro_rules! no_arguments {
    () => {
        $crate::no_arguments_of(env!("CARGO_BIN_NAME"), env!("CARGO_PKG_DESCRIPTION"))
    };
}

#[doc(hidden)]
pub fn no_arguments_of(program: &'static str, about: &'static str) {
    clap::Command::new(program).about(about).get_matches();
}
