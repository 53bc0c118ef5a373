//! Where the graders of a class put what lasts no longer than they do.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::Context;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};
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
    end_boxes(folder);
    let mut tries = 0;
    loop {
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(_) if tries < 10 => tries += 1,
            result => return result.with_context(|| format!("rm {}", folder.display())),
        }
    }
}

/// Ends the boxes of killed graders. bwrap ends with its parent, but for its own child in the moment
/// after the fork: that waits for a word of the one that was killed, for ever.
fn end_boxes(folder: &Path) {
    let below = [folder.as_os_str().as_bytes(), b"/"].concat();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let mut words = command.split(|it| *it == 0);
        let is_bwrap = words.next().is_some_and(|it| it.ends_with(b"bwrap"));
        let pid = entry.file_name().to_string_lossy().parse();
        if let (true, true, Ok(pid)) = (is_bwrap, words.any(|it| it.starts_with(&below)), pid) {
            // ESRCH: it has ended by itself.
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use super::*;

    /// A process that waits for ever, and that `program` and this word name.
    fn waits(program: &str, word: &Path) -> anyhow::Result<std::process::Child> {
        let mut command = Command::new("sh");
        command.arg0(program).args(["-c", "read line"]).arg(word);
        let child = command.stdin(Stdio::piped()).spawn()?;
        // spawn returns when the program has been loaded, which is before the kernel shows its words.
        let words = format!("/proc/{}/cmdline", child.id());
        let shown = || Ok((!fs::read(&words)?.is_empty()).then_some(()));
        lesson::poll_until(Duration::from_secs(10), shown)?.context("it has no words")?;
        Ok(child)
    }

    #[test]
    fn boxes_end_with_the_folder_and_nothing_else_does() -> anyhow::Result<()> {
        let parent = TempDir::new()?;
        let folder = parent.path().join("ours");
        fs::create_dir(&folder)?;
        let mut ours = waits("bwrap", &folder.join("box"))?;
        let mut others = [
            waits("bwrap", &parent.path().join("ours too/box"))?,
            waits("sh", &folder.join("box"))?,
        ];
        remove(&folder)?;
        assert_eq!(ours.wait()?.signal(), Some(Signal::SIGKILL as i32));
        for other in &mut others {
            assert!(other.try_wait()?.is_none());
            // Its input ends.
            drop(other.stdin.take());
            assert_eq!(other.wait()?.signal(), None);
        }
        assert!(!folder.exists());
        Ok(())
    }
}
