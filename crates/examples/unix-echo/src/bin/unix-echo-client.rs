//! Sends lines to the echo server over a Unix domain socket, and shows what comes back.
//!
//! Its partner is unix-echo-server, started before it.

use std::io::ErrorKind::{ConnectionRefused, InvalidInput, NotFound};
use std::net::Shutdown;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use anyhow::anyhow;
use clap::Parser;
use lesson::{Failure, say, start_first, with_argument};

/// Send lines and show their echo (partner: unix-echo-server, started before)
#[derive(Parser)]
struct Args {
    /// The server's socket
    #[arg(default_value = unix_echo::SOCKET_PATH)]
    path: PathBuf,
}

fn main() -> Result<(), Failure> {
    let Args { path } = Args::parse();
    let name = &path.display();

    // socket(2) and connect(2) in one. No file there, or a socket without a listener: no server.
    let partner = with_argument("unix-echo-server", name, unix_echo::SOCKET_PATH);
    let server = UnixStream::connect(&path).map_err(|error| match error.kind() {
        NotFound => start_first(format!("connect {name}: there is no such socket"), &partner),
        // A file of any other kind is refused in the same words.
        ConnectionRefused if !path.metadata().is_ok_and(|it| it.file_type().is_socket()) => {
            anyhow!("connect {name}: that is no socket: give another path")
        }
        ConnectionRefused => start_first(format!("connect {name}: nobody listens"), &partner),
        InvalidInput => anyhow!("connect {name}: a socket's path has at most 107 bytes"),
        _ => anyhow!(error).context(format!("connect {name}")),
    })?;
    say!("Connected to server. Type messages (Ctrl+D to quit):");

    // shutdown tells the server that no more comes, and still lets the last echo come back.
    unix_echo::converse(&server, "Server echo: ", |server| {
        server.shutdown(Shutdown::Write)
    });
    Ok(())
}
