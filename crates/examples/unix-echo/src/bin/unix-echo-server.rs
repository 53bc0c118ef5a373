//! Sends back what one client says over a Unix domain socket, then ends.
//!
//! Its partner is unix-echo-client, started after it.

use std::io::ErrorKind;
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
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
        remove_stale(&path).with_context(|| format!("bind {name}"))?;
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

/// The path is taken: the socket of a server that was killed may go, nothing else.
fn remove_stale(path: &Path) -> anyhow::Result<()> {
    let found = unix_echo::ensure_ours(path)?;
    // Asked with a datagram socket, because a real connection would be that server's one client.
    // Refused: nobody has the socket open. Of another type: somebody has.
    let probe = UnixDatagram::unbound().context("socket")?;
    match probe.connect(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            unix_echo::unlink(path, &found)
        }
        Err(error) if error.raw_os_error() != Some(Errno::EPROTOTYPE as i32) => {
            return Err(error).context("connect, to see who listens");
        }
        _ => bail!("EADDRINUSE: a server listens there: end it or give another path"),
    }
    Ok(())
}
