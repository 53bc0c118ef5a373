//! What the writer and the reader agree on: the path, and what may exist there.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use anyhow::{Context, anyhow, bail, ensure};
use lesson::Guard;
use nix::errno::Errno;
use nix::sys::stat::Mode;
use nix::unistd::{Uid, mkfifo};

/// The default path, at which the two programs meet.
pub const FIFO_PATH: &str = "/tmp/example_fifo";

/// Creates the FIFO with mode 0600, or accepts a FIFO of this user that exists: see mkfifo(3).
///
/// The guard removes the FIFO, also on Ctrl-C. It is `None` if the FIFO existed already.
///
/// # Errors
/// When the path cannot be used, or anything else exists there.
pub fn create(path: &Path) -> anyhow::Result<Option<Guard>> {
    let name = path.to_owned();
    let make = || mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR);
    match lesson::create(make, move || unlink(&name)) {
        Ok(((), guard)) => Ok(Some(guard)),
        // The partner or an earlier run has created it.
        Err(Errno::EEXIST) => ensure_ours(path).map(|()| None),
        Err(errno) => Err(errno).with_context(|| format!("mkfifo {}", path.display())),
    }
}

/// Accepts a FIFO that belongs to this user, and refuses everything else.
///
/// # Errors
/// When nothing exists at `path`, or something else: then the error says what.
pub fn ensure_ours(path: &Path) -> anyhow::Result<()> {
    let name = path.display();
    // lstat(2) describes a symbolic link, and does not follow it.
    let found = fs::symlink_metadata(path).with_context(|| format!("lstat {name}"))?;
    let kind = match found.file_type() {
        kind if kind.is_fifo() => "",
        kind if kind.is_file() => "a regular file",
        kind if kind.is_dir() => "a directory",
        kind if kind.is_symlink() => "a symbolic link",
        _ => "not a FIFO",
    };
    if !kind.is_empty() {
        bail!("{name} is {kind}, left as it is: remove it or give another path");
    }
    let owner = Uid::from_raw(found.uid());
    ensure!(
        owner == Uid::effective(),
        "{name} is a FIFO of another user (uid {owner}), left as it is: give another path"
    );
    Ok(())
}

/// Removes the name if it is a FIFO of this user; processes that have the FIFO open go on using it:
/// see unlink(2).
pub fn unlink(path: &Path) {
    if ensure_ours(path).is_err() {
        return; // The partner has removed it, or it is not a FIFO of this user.
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {} // The partner was faster.
        Err(error) => lesson::note!("unlink {}: {error}", path.display()),
        Ok(()) => {}
    }
}

/// Turns the error of a failed write(2) into a sentence. After EPIPE it also removes the FIFO, because
/// the reader has terminated and will not remove it.
pub fn write_error(path: &Path, error: std::io::Error) -> anyhow::Error {
    let call = format!("write {}", path.display());
    if error.kind() != ErrorKind::BrokenPipe {
        return anyhow!(error).context(call);
    }
    unlink(path);
    anyhow!("{call}: the reader has terminated (EPIPE): start both programs again")
}
