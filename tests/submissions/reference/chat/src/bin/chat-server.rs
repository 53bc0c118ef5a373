//! Lets many clients talk with each other over a Unix socket.
//!
//! Its partner is chat-client, started after it, in as many terminals as you like.

use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use anyhow::Context;
use chat::Room;
use clap::Parser;
use lesson::{Failure, say};
use nix::sys::stat::{Mode, umask};

/// Let many clients talk with each other (partner: chat-client, started afterwards)
#[derive(Parser)]
struct Args {
    /// The socket; created, and removed at the end
    #[arg(default_value = chat::SOCKET_PATH)]
    path: PathBuf,
}

fn main() -> Result<(), Failure> {
    let Args { path } = Args::parse();
    // A signal closes one end, which wakes poll at the other one.
    let (stop, running) = UnixStream::pair().context("socketpair")?;
    lesson::on_signal(move |_| drop(running))?;

    let making = lesson::making();
    let listener = listen_on(&path)?;
    let (made, ours) = (path.clone(), unix_echo::ensure_ours(&path)?);
    let _made = making.remove_at_end(move || unix_echo::unlink(&made, &ours));
    say!("Listening on {}", path.display());

    let mut room = Room::default();
    room.serve(&listener, &stop)?;
    Ok(room.farewell()?)
}

/// socket, bind and listen, over the socket of a server that was killed, if there is one.
fn listen_on(path: &Path) -> anyhow::Result<UnixListener> {
    let call = || format!("bind {}", path.display());
    // The socket gets what the umask leaves: 0600.
    umask(Mode::S_IRWXG | Mode::S_IRWXO | Mode::S_IXUSR);
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            // Held until bind is done: another server must not take ours for a stale one.
            let _turn = unix_echo::remove_stale(path).with_context(call)?;
            UnixListener::bind(path)
        }
        bound => bound,
    };
    let listener = listener.with_context(call)?;
    // A client may have gone again between poll and accept, which must not wait for the next.
    listener.set_nonblocking(true).context("set O_NONBLOCK")?;
    Ok(listener)
}
