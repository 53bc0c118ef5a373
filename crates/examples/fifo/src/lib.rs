//! What the writer and the reader agree on: the path, and what may stand there.

use std::fs::{self, File, Metadata};
use std::io::ErrorKind;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use lesson::Made;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::Mode;
use nix::unistd::{Uid, mkfifo};

/// Where the two programs meet when no PATH is given.
pub const FIFO_PATH: &str = "/tmp/example_fifo";

/// Creates the FIFO, mode 0600, or takes one of ours that is there already: see mkfifo(3).
///
/// Returns a guard that unlinks the name, at the latest on Ctrl-C, if it was created here.
///
/// # Errors
/// When the path cannot be used, or what stands there is not a FIFO of ours.
pub fn create(path: &Path) -> anyhow::Result<Option<Made>> {
    let shown = path.display();
    let making = lesson::making();
    match mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR) {
        Ok(()) => {
            let found = fs::symlink_metadata(path);
            let name = Name::new(path, &found.with_context(|| format!("lstat {shown}"))?);
            Ok(Some(making.remove_at_end(move || name.remove())))
        }
        // The partner, or an earlier run, was first.
        Err(Errno::EEXIST) => ensure_ours(path).map(|()| None),
        Err(errno) => Err(errno).with_context(|| format!("mkfifo {shown}")),
    }
}

/// Refuses everything but a FIFO that belongs to this user.
///
/// # Errors
/// Says what stands at `path` instead.
pub fn ensure_ours(path: &Path) -> anyhow::Result<()> {
    let shown = path.display();
    // lstat(2): a symbolic link is looked at, never followed.
    let found = fs::symlink_metadata(path).with_context(|| format!("lstat {shown}"))?;
    let kind = found.file_type();
    if !kind.is_fifo() {
        let kind = match kind {
            kind if kind.is_file() => "a regular file",
            kind if kind.is_dir() => "a folder",
            kind if kind.is_symlink() => "a symbolic link",
            _ => "no FIFO",
        };
        bail!("{shown} is {kind}, left as it is: remove it or give another path");
    }
    let owner = Uid::from_raw(found.uid());
    ensure!(
        owner == Uid::effective(),
        "{shown} is a FIFO of another user (uid {owner}), left as it is: give another path"
    );
    Ok(())
}

/// A path, and which file stood there: the device and the inode. By now it may be another one.
#[derive(Clone)]
pub struct Name(PathBuf, (u64, u64));

impl Name {
    /// Of `fifo`, which was opened at `path`.
    ///
    /// # Errors
    /// Those of fstat(2).
    pub fn of(path: &Path, fifo: &File) -> anyhow::Result<Self> {
        let found = fifo.metadata();
        let found = found.with_context(|| format!("fstat {}", path.display()))?;
        Ok(Self::new(path, &found))
    }

    fn new(path: &Path, found: &Metadata) -> Self {
        Self(path.to_owned(), (found.dev(), found.ino()))
    }

    /// Whether it still stands there.
    pub fn is_there(&self) -> bool {
        fs::symlink_metadata(&self.0).is_ok_and(|found| (found.dev(), found.ino()) == self.1)
    }

    /// Unlinks it, unless something else stands there: a FIFO in which others wait, it may be.
    pub fn remove(&self) {
        if self.is_there() {
            unlink(&self.0);
        }
    }
}

/// Whether a process has the FIFO open for reading; ours has it open for writing. See poll(2).
///
/// # Errors
/// Those of poll(2).
pub fn has_reader(fifo: &File) -> anyhow::Result<bool> {
    let mut fifo = [PollFd::new(fifo.as_fd(), PollFlags::empty())];
    poll(&mut fifo, PollTimeout::ZERO).context("poll")?;
    // POLLERR is told whether or not it was asked for.
    Ok(fifo[0].any() != Some(true))
}

/// Removes the name; processes that have the FIFO open go on using it. See unlink(2).
pub fn unlink(path: &Path) {
    remove(path);
}

/// The same, and tells whether it was there and ours.
pub fn remove(path: &Path) -> bool {
    if ensure_ours(path).is_err() {
        return false; // The partner was first, or it is not ours to remove.
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => false, // The partner, just now.
        Err(error) => {
            lesson::note!("unlink {}: {error}", path.display());
            false
        }
        Ok(()) => true,
    }
}
