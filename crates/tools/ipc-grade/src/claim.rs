//! The lock of a directory of results: one grader at a time writes there.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::dup2_stdin;

/// The name of the lock file. It stays when the lock is given back, and is no obstacle then.
pub const LOCK: &str = ".lock";

/// The lock of a directory of results, held until this is dropped or the process ends.
pub struct Claim {
    /// None in a process that has the lock from its parent: the parent gives it back.
    own: Option<Flock<File>>,
}

impl Claim {
    /// Takes the lock; for as long as another process holds it, tries again until the time is up.
    ///
    /// Where standard input is the lock file, the parent holds the lock and hands it down (see
    /// [`Claim::hand_down`]).
    ///
    /// # Errors
    /// When another process holds it, or the lock file cannot be opened.
    pub fn take(folder: &Path, patience: Duration) -> anyhow::Result<Self> {
        let path = folder.join(LOCK);
        let mut options = File::options();
        options.read(true).write(true).create(true).mode(0o600);
        // O_NONBLOCK: opening a FIFO would block. The library adds O_CLOEXEC.
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
        let file = options.open(&path);
        let file = file.with_context(|| format!("open {}", path.display()))?;
        let handed = handed_down(&file)?;
        let is_handed = handed.is_some();
        let mut unlocked = Some(handed.unwrap_or(file));
        let locked = lesson::poll_until(patience, || {
            let file = unlocked.take().context("the lock file")?;
            match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(lock) => Ok(Some(lock)),
                Err((file, Errno::EWOULDBLOCK)) => {
                    unlocked = Some(file);
                    Ok(None)
                }
                Err((_, errno)) => Err(errno).with_context(|| format!("flock {}", path.display())),
            }
        })?;
        let lock = locked.with_context(|| {
            format!(
                "another ipc-grade writes its results into {}: wait until it ends, or choose \
                 another --out",
                folder.display()
            )
        })?;
        if is_handed {
            // Dropped, it would unlock the parent's.
            std::mem::forget(lock);
            return Ok(Self { own: None });
        }
        Ok(Self { own: Some(lock) })
    }

    /// The lock as a child's standard input: the child holds it too, until both have ended.
    ///
    /// # Errors
    /// When the descriptor cannot be duplicated.
    pub fn hand_down(&self) -> anyhow::Result<Stdio> {
        match &self.own {
            Some(lock) => Ok(lock.try_clone().context("dup")?.into()),
            None => Ok(Stdio::null()),
        }
    }
}

/// Standard input, if it is this file: then it is /dev/null from here on, so that no program that is
/// started gets the lock.
fn handed_down(lock: &File) -> anyhow::Result<Option<File>> {
    let input = std::io::stdin();
    // Standard input may be closed.
    let Ok(input) = input.as_fd().try_clone_to_owned() else {
        return Ok(None);
    };
    let input = File::from(input);
    let identity = |file: &File| file.metadata().map(|about| (about.dev(), about.ino()));
    if identity(&input).context("fstat")? != identity(lock).context("fstat")? {
        return Ok(None);
    }
    let null = File::open("/dev/null").context("open /dev/null")?;
    dup2_stdin(&null).context("dup2")?;
    Ok(Some(input))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn one_at_a_time_and_a_file_without_a_holder_is_no_obstacle() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let take = || Claim::take(folder.path(), Duration::ZERO);
        let first = take()?;
        let told = take().map(drop).map_err(|error| error.to_string());
        let expected = format!("results into {}: wait until", folder.path().display());
        assert!(told.is_err_and(|told| told.contains(&expected)));
        drop(first);
        take()?;
        let mode = fs::metadata(folder.path().join(LOCK))?.permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        Ok(())
    }

    #[test]
    fn a_link_in_place_of_the_lock_is_not_followed() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let other = folder.path().join("other");
        symlink(&other, folder.path().join(LOCK))?;
        assert!(Claim::take(folder.path(), Duration::ZERO).is_err());
        assert!(!other.exists());
        Ok(())
    }
}
