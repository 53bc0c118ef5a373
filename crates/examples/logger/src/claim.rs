//! The service's side of the FIFO: one reader, and no other.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use crate::Name;

/// The FIFO, open for reading with O_NONBLOCK, and locked.
pub struct Claim {
    /// Dropping it closes the FIFO; the kernel does so after kill -9 too. Either ends the lock.
    pub fifo: Flock<File>,
    /// Where the FIFO stands.
    pub name: Name,
}

impl Claim {
    /// Creates the FIFO or takes one of ours that is there, opens it and locks it.
    ///
    /// # Errors
    /// When the path cannot be used, or another service reads there.
    pub fn new(path: &Path) -> anyhow::Result<Self> {
        // A service that is ending may remove its FIFO just now: then try again.
        lesson::poll_until(Duration::from_secs(1), || Self::attempt(path))?
            .with_context(|| format!("{} is removed again and again", path.display()))
    }

    fn attempt(path: &Path) -> anyhow::Result<Option<Self>> {
        let shown = path.display();
        let created = fifo::create(path)?;
        // O_NONBLOCK: open(2) does not wait for a writer, see fifo(7).
        let opened = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW)
            .open(path);
        let fifo = match opened {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened.with_context(|| format!("open {shown} for reading"))?,
        };
        // From here on it is `Name` that removes it: whoever has the lock, not who was first.
        if let Some(created) = created {
            created.leave();
        }
        let name = Name::of(path, &fifo)?;

        // Two readers would each get a part of the lines. The lock decides between services that
        // start at the same moment, and a killed one leaves none behind: see flock(2).
        match Flock::lock(fifo, FlockArg::LockExclusiveNonblock) {
            Ok(fifo) => Ok(name.is_there().then_some(Self { fifo, name })),
            Err((_, Errno::EWOULDBLOCK)) => {
                ensure!(
                    !name.is_there(),
                    "{shown} is locked (flock): another logger-service reads it; stop that one, or give another --fifo"
                );
                Ok(None)
            }
            Err((_, errno)) => Err(errno).with_context(|| format!("flock {shown}")),
        }
    }
}
