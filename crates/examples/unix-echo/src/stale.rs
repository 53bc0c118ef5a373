//! The socket of a server that was killed: told apart from everything else, and removed.

use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use lesson::poll_until;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use crate::{ensure_ours, unlink};

/// How long another server may take from its look at a stale socket to its own bind.
const TURN: Duration = Duration::from_secs(2);

/// bind(2) says that the path is taken: the socket of a server that was killed may go, nothing
/// else. Call bind again while you hold what this returns: until then it is nobody else's turn.
///
/// # Errors
/// When something else stands there, or a server has it open.
pub fn remove_stale(path: &Path) -> anyhow::Result<Flock<File>> {
    let turn = lock_folder(path)?;
    let found = ensure_ours(path)?;
    // Asked with a datagram socket, because a real connection would be that server's one client.
    // Refused: nobody has the socket open. Of another type: somebody has.
    let probe = UnixDatagram::unbound().context("socket")?;
    match probe.connect(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => unlink(path, &found),
        Err(error) if error.raw_os_error() != Some(Errno::EPROTOTYPE as i32) => {
            return Err(error).context("connect, to see who listens");
        }
        _ => bail!("EADDRINUSE: a server listens there: end it or give another path"),
    }
    Ok(turn)
}

/// A lock on the folder that `path` is in, which flock(2) grants to anybody who may read it: no
/// file is made, and the kernel gives it back when the process ends.
fn lock_folder(path: &Path) -> anyhow::Result<Flock<File>> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let call = || format!("flock {}", folder.display());
    // Not a blocking flock: any user may lock a folder like /tmp, and keep it for ever.
    let locked = poll_until(TURN, || {
        let folder = File::open(folder).with_context(call)?;
        match Flock::lock(folder, FlockArg::LockExclusiveNonblock) {
            Ok(locked) => Ok(Some(locked)),
            Err((_, Errno::EWOULDBLOCK)) => Ok(None),
            Err((_, errno)) => Err(errno).with_context(call),
        }
    })?;
    locked.with_context(|| format!("{}: another server is starting: try again", call()))
}
