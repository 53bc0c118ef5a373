//! Arguments that several programs take.

use std::net::SocketAddr;

/// Parses an IP address and a port, such as `127.0.0.1:8080`; host names are refused.
///
/// # Errors
/// A sentence that shows the expected form.
pub fn parse_address(text: &str) -> Result<SocketAddr, &'static str> {
    let address = text.parse().map_err(
        |_| "an IP address and a port up to 65535, such as 127.0.0.1:8080 or [::1]:8080; no names",
    )?;
    match address {
        SocketAddr::V6(address)
            if address.ip().is_unicast_link_local() && address.scope_id() == 0 =>
        {
            Err(
                "a link-local address needs the number of its interface (`ip link`), as in [fe80::1%2]:8080",
            )
        }
        address => Ok(address),
    }
}

/// Parses the address of a server that is running: port 0 is refused too.
///
/// # Errors
/// A sentence that shows the expected form.
pub fn parse_server(text: &str) -> Result<SocketAddr, &'static str> {
    match parse_address(text)? {
        address if address.port() == 0 => Err("a port above 0: the one that the server printed"),
        address => Ok(address),
    }
}

/// For the `main` of a program without arguments: answers `--help`, and refuses all arguments.
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
