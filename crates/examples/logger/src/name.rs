//! The FIFO's name, and whether it is still the name of this service's FIFO.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// A path, with the device and the inode of the FIFO that was opened there.
#[derive(Clone)]
pub struct Name(PathBuf, (u64, u64));

impl Name {
    /// The name of `fifo`, which was opened at `path`.
    ///
    /// # Errors
    /// The errors of fstat(2).
    pub fn of(path: &Path, fifo: &File) -> anyhow::Result<Self> {
        let found = fifo.metadata();
        let found = found.with_context(|| format!("fstat {}", path.display()))?;
        Ok(Self(path.to_owned(), (found.dev(), found.ino())))
    }

    /// Whether `path` is still a name of this FIFO: another service may have removed and created it.
    pub fn is_there(&self) -> bool {
        fs::symlink_metadata(&self.0).is_ok_and(|found| (found.dev(), found.ino()) == self.1)
    }

    /// Removes the name, unless it has become the name of another file.
    pub fn remove(&self) {
        if self.is_there() {
            fifo::unlink(&self.0);
        }
    }
}
