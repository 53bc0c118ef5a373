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
