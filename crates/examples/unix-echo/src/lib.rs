//! What server and client agree on: the path, and that each byte comes back.

mod ends;
mod stale;

use std::fs::{self, Metadata};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use anyhow::{Context, ensure};
use nix::unistd::Uid;

pub use ends::{converse, echo};
pub use stale::remove_stale;

/// Where the two programs meet when no PATH is given.
pub const SOCKET_PATH: &str = "/tmp/my_socket";

/// Refuses everything but a socket that belongs to this user, and tells which one it is.
///
/// # Errors
/// Says what stands at `path` instead.
pub fn ensure_ours(path: &Path) -> anyhow::Result<Metadata> {
    let shown = path.display();
    // lstat(2): a symbolic link is looked at, never followed.
    let found = fs::symlink_metadata(path).with_context(|| format!("lstat {shown}"))?;
    ensure!(
        found.file_type().is_socket(),
        "{shown} is no socket, left as it is: remove it or give another path"
    );
    let owner = Uid::from_raw(found.uid());
    ensure!(
        owner == Uid::effective(),
        "{shown} is a socket of another user (uid {owner}), left as it is: give another path"
    );
    Ok(found)
}

/// Removes the name if it is still that of the socket `ours`: see unlink(2).
///
/// Another server may have its socket there by now, if somebody removed this one.
pub fn unlink(path: &Path, ours: &Metadata) {
    let same = |found: &Metadata| (found.dev(), found.ino()) == (ours.dev(), ours.ino());
    if !ensure_ours(path).is_ok_and(|found| same(&found)) {
        return;
    }
    if let Err(error) = fs::remove_file(path) {
        lesson::note!("unlink {}: {error}", path.display());
    }
}
