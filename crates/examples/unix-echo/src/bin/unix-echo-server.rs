//! Sends back what one client says over a Unix domain socket, then ends.
//!
//! Its partner is unix-echo-client, started after it.

use std::os::fd::AsRawFd;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use lesson::{Failure, say};
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, socket,
};
use nix::sys::stat::{Mode, umask};

/// Echo what a client says over a Unix socket (partner: unix-echo-client, started afterwards)
#[derive(Parser)]
struct Args {
    /// The socket; created, and removed at the end
    #[arg(default_value = unix_echo::SOCKET_PATH)]
    path: PathBuf,
}

fn main() -> Result<(), Failure> {
    let Args { path } = Args::parse();
    // Also while it waits in accept or recv; a server that is told to end has not failed.
    lesson::exit_on_signal()?;
    let name = path.display();

    // 1. Create a socket: nothing but a descriptor, as yet without a name.
    let (family, kind) = (AddressFamily::Unix, SockType::Stream);
    let server = socket(family, kind, SockFlag::SOCK_CLOEXEC, None).context("socket")?;

    // 2. The address is a path; its length is limited to 107 bytes.
    let address = UnixAddr::new(&path)
        .with_context(|| format!("socket address {name} (a path of at most 107 bytes)"))?;

    // 3. Bind: creates the file, with the mode that the umask leaves: 0600.
    umask(Mode::S_IRWXG | Mode::S_IRWXO | Mode::S_IXUSR);
    let making = lesson::making();
    let mut bound = bind(server.as_raw_fd(), &address);
    if bound == Err(Errno::EADDRINUSE) {
        // Held until bind is done: a second server could take the first one's new socket for stale.
        let _turn = unix_echo::remove_stale(&path).with_context(|| format!("bind {name}"))?;
        bound = bind(server.as_raw_fd(), &address);
    }
    bound.with_context(|| format!("bind {name}"))?;
    let (made, ours) = (path.clone(), unix_echo::ensure_ours(&path)?);
    let _made = making.remove_at_end(move || unix_echo::unlink(&made, &ours));

    // 4. Listen: from here on clients can connect, and wait in the queue.
    listen(&server, Backlog::new(5).context("backlog")?)
        .with_context(|| format!("listen {name}"))?;
    say!("Server listening on {name}");

    // 5. Accept: sleeps until a client comes; its connection is a socket of its own.
    let server = UnixListener::from(server);
    let (client, _) = server
        .accept()
        .with_context(|| format!("accept on {name}"))?;
    say!("Client connected");

    // 6. Communicate. 7. Clean up: the sockets close, and `_made` removes the name.
    Ok(unix_echo::echo(&client)?)
}
