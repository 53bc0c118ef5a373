//! A type for each thing that outlives its process: to have the value is to have the thing, and
//! dropping the value removes it. What was not made is not dropped, and so never removed.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use anyhow::Context;
use lesson::{note, say};
use nix::fcntl::OFlag;
use nix::sys::mman::{shm_open, shm_unlink};
use nix::sys::stat::Mode;
use nix::unistd::{mkfifo, unlink};

/// A FIFO: a name in the file system.
pub struct Fifo(PathBuf);

impl Fifo {
    /// Makes a new one, see mkfifo(3): EEXIST if anything stands there.
    pub fn make(path: &Path) -> anyhow::Result<Self> {
        let _making = lesson::making(); // Ctrl-C waits until it is made or not
        mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR)
            .with_context(|| format!("mkfifo {}", path.display()))?;
        Ok(Self(path.to_owned()))
    }
}

impl Drop for Fifo {
    fn drop(&mut self) {
        remove("unlink", &self.0, unlink);
    }
}

/// A socket that listens: a descriptor and a name, and the library's guard is for the descriptor
/// alone.
pub struct Socket {
    path: PathBuf,
    _listener: UnixListener,
}

impl Socket {
    /// See bind(2): EADDRINUSE if anything stands there.
    pub fn bind(path: &Path) -> anyhow::Result<Self> {
        let _making = lesson::making();
        let listener =
            UnixListener::bind(path).with_context(|| format!("bind {}", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            _listener: listener,
        })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        remove("unlink", &self.path, unlink);
        // After this the fields are dropped: the descriptor is closed.
    }
}

/// A POSIX shared memory segment: a descriptor, and a name in /dev/shm.
pub struct Segment {
    name: PathBuf,
    _memory: OwnedFd,
}

impl Segment {
    /// Makes a new one, see shm_open(3): O_EXCL, so EEXIST if there is one.
    pub fn make(name: &Path) -> anyhow::Result<Self> {
        let _making = lesson::making();
        let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_RDWR;
        let memory = shm_open(name, flags, Mode::S_IRUSR | Mode::S_IWUSR)
            .with_context(|| format!("shm_open {}", name.display()))?;
        Ok(Self {
            name: name.to_owned(),
            _memory: memory,
        })
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        remove("shm_unlink", &self.name, shm_unlink);
    }
}

/// A drop returns nothing, so an error can only be told; the other drops follow all the same.
fn remove(call: &str, name: &Path, removal: fn(&Path) -> nix::Result<()>) {
    let making = lesson::making(); // Ctrl-C waits, or has removed it already
    let removed = removal(name);
    drop(making);
    match removed {
        Ok(()) => say!("  {call} {}", name.display()),
        Err(errno) => note!("  {call} {}: {errno}", name.display()),
    }
}
