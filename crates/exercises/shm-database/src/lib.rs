//! What all processes that use a database agree on. How it lies in shared memory, and who may use it
//! when, is for you to write.

mod command;

use std::path::Path;

pub use command::Command;

/// How many records there is room for.
pub const CAPACITY: usize = 64;

/// The longest key, in bytes.
pub const MAX_KEY: usize = 32;

/// The longest value, in bytes.
pub const MAX_VALUE: usize = 100;

/// The key of a System V segment. For semaphores it serves as well: each kind has its own keys.
///
/// # Errors
/// When `dir` does not exist or cannot be reached.
pub fn key(dir: &Path) -> anyhow::Result<libc::key_t> {
    lesson::ftok(dir, sysv_shm::PROJECT)
}

/// The name of a POSIX segment: as a key, it is the same in every process.
///
/// # Errors
/// As [`key`].
pub fn name(dir: &Path) -> anyhow::Result<String> {
    Ok(format!("/shm-database-{:08x}", key(dir)?))
}

// TODO: the records in shared memory, and the lock.
