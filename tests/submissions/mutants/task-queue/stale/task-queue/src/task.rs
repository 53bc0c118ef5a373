//! What a task is, and how it is done. There is nothing to do in this file.

use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};

/// The highest priority; the lowest is 1.
pub const HIGHEST: u8 = 9;

/// The longest path of a task, in bytes.
pub const MAX_PATH: usize = 60;

/// A task: count the lines and the bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// 1 to [`HIGHEST`].
    pub priority: u8,
    /// The file, below DIR.
    pub path: String,
}

impl Task {
    /// A line of the input: the priority, a space, and the path.
    ///
    /// # Errors
    /// When the line is not of that form.
    pub fn parse(line: &str) -> anyhow::Result<Self> {
        let parts = line.split_once(' ');
        let (priority, path) = parts.with_context(|| format!("not PRIORITY PATH: {line:?}"))?;
        let priority = priority.parse().unwrap_or(0);
        ensure!(
            (1..=HIGHEST).contains(&priority),
            "a priority is 1 to {HIGHEST}: {line:?}"
        );
        ensure!(
            (1..=MAX_PATH).contains(&path.len()),
            "a path has 1 to {MAX_PATH} bytes: {line:?}"
        );
        let path = path.into();
        Ok(Self { priority, path })
    }
}

/// Does a task. A file that cannot be read has a result, too: it says why.
pub fn work(dir: &Path, path: &str) -> String {
    match fs::read(dir.join(path)) {
        Ok(bytes) => {
            let lines = bytes.iter().filter(|it| **it == b'\n').count();
            format!("{lines} lines, {} bytes", bytes.len())
        }
        Err(error) => format!("not read: {}", error.kind()),
    }
}
