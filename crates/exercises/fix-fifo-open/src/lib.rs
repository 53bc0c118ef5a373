//! What the writer and the reader agree on: the FIFO at which they meet.

use std::fs;
use std::path::Path;

use anyhow::Context;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

/// Where the two programs meet when no PATH is given.
pub const FIFO_PATH: &str = "/tmp/exercise_fifo";

/// Makes the FIFO for the writer.
///
/// # Errors
/// When it cannot be made.
pub fn make_for_writer(path: &Path) -> anyhow::Result<()> {
    // TODO: the reader may have been here first, or a run that was killed.
    let mode = Mode::S_IRUSR | Mode::S_IWUSR;
    mkfifo(path, mode).with_context(|| format!("mkfifo {}", path.display()))
}

/// Makes the FIFO for the reader.
///
/// # Errors
/// When it cannot be made.
pub fn make_for_reader(path: &Path) -> anyhow::Result<()> {
    // TODO: what if the writer waits in its open already?
    let _ = fs::remove_file(path);
    let mode = Mode::S_IRUSR | Mode::S_IWUSR;
    mkfifo(path, mode).with_context(|| format!("mkfifo {}", path.display()))
}
