//! What the submitter and the workers agree on. How a task and a result travel is for you to write.

mod process;
mod task;

use std::path::{Path, PathBuf};

pub use process::wait_until_gone;
pub use task::{HIGHEST, MAX_PATH, Task, work};

/// The one argument of both programs.
#[derive(clap::Args)]
pub struct Folder {
    /// The folder that stands for the queues, and in which the files of the tasks are
    #[arg(default_value = ".")]
    pub dir: PathBuf,
}

/// The key of a System V queue: `queue` is a letter of your choice.
///
/// # Errors
/// When `dir` does not exist or cannot be reached.
pub fn key(dir: &Path, queue: u8) -> anyhow::Result<libc::key_t> {
    lesson::ftok(dir, queue)
}

/// The name of a POSIX queue: as a key, it is the same in every process.
///
/// # Errors
/// As [`key`].
pub fn name(dir: &Path, queue: u8) -> anyhow::Result<String> {
    Ok(format!("/task-queue-{:08x}", key(dir, queue)?))
}

// TODO: the queues, and the messages in them.
