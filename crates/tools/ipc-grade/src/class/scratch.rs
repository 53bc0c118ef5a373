//! Where the graders of a class put what lasts no longer than they do.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::Context;
use nix::unistd::Uid;
use tempfile::TempDir;

const PREFIX: &str = "ipc-grade.class.";

/// A folder below /tmp, removed at the end. A link in the results says where it is, so that the
/// next run removes it if this one is killed.
pub struct Scratch {
    folder: PathBuf,
    _remove: lesson::Made,
}

impl Scratch {
    /// A new one; what a killed run has left is removed first.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(out: &Path) -> anyhow::Result<Self> {
        let link = out.join(".scratch");
        if let Ok(old) = fs::read_link(&link) {
            if is_ours(&old) {
                remove(&old)?;
            }
            fs::remove_file(&link).with_context(|| format!("rm {}", link.display()))?;
        }
        let making = lesson::making();
        let folder = TempDir::with_prefix(PREFIX)
            .context("make a temporary folder")?
            .keep();
        // Programs under another uid must find what lies in it.
        let open = fs::Permissions::from_mode(0o711);
        fs::set_permissions(&folder, open)
            .with_context(|| format!("chmod {}", folder.display()))?;
        symlink(&folder, &link).with_context(|| format!("symlink {}", link.display()))?;
        let at_end = folder.clone();
        let _remove = making.remove_at_end(move || {
            if remove(&at_end).is_ok() {
                let _ = fs::remove_file(link);
            }
        });
        Ok(Self { folder, _remove })
    }

    /// A folder in it for one grader.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn folder(&self) -> anyhow::Result<TempDir> {
        let folder = TempDir::new_in(&self.folder)
            .with_context(|| format!("make a folder in {}", self.folder.display()))?;
        let open = fs::Permissions::from_mode(0o711);
        fs::set_permissions(folder.path(), open).context("chmod a temporary folder")?;
        Ok(folder)
    }
}

/// Whether an earlier run has made this, and nobody else something of that name.
fn is_ours(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let owned = |it: fs::Metadata| it.is_dir() && it.uid() == Uid::effective().as_raw();
    name.starts_with(PREFIX) && fs::symlink_metadata(folder).is_ok_and(owned)
}

/// A test that a killed grader has left running may still write there: then once more.
fn remove(folder: &Path) -> anyhow::Result<()> {
    let mut tries = 0;
    loop {
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(_) if tries < 10 => tries += 1,
            result => return result.with_context(|| format!("rm {}", folder.display())),
        }
    }
}
