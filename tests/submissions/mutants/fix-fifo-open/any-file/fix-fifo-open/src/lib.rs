//! What the writer and the reader agree on: the FIFO at which they meet.

use std::fs;
use std::path::Path;

use anyhow::Context;
use lesson::Made;
use nix::errno::Errno;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

/// Where the two programs meet when no PATH is given.
pub const FIFO_PATH: &str = "/tmp/exercise_fifo";

/// Makes the FIFO, unless there is one.
///
/// # Errors
/// When it cannot be made.
pub fn create(path: &Path) -> anyhow::Result<Option<Made>> {
    let making = lesson::making();
    match mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR) {
        Err(Errno::EEXIST) => Ok(None),
        Err(errno) => Err(errno).with_context(|| format!("mkfifo {}", path.display())),
        Ok(()) => {
            let path = path.to_owned();
            Ok(Some(
                making.remove_at_end(move || drop(fs::remove_file(path))),
            ))
        }
    }
}
