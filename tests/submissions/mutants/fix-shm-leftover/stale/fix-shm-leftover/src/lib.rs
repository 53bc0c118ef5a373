//! A board in shared memory: a mark that says what it is, and lines of text.

use std::sync::atomic::{AtomicU8, Ordering};

use anyhow::ensure;
use sysv_shm::text;

/// The segment's size in bytes.
pub const SIZE: usize = 8192;

/// A board begins with this, so that nobody takes it for something else.
pub const MARK: [u8; 8] = *b"board 1\n";

/// Behind the mark stand the lines, each with its newline, and a NUL.
pub struct Board<'a>(pub &'a [AtomicU8]);

impl Board<'_> {
    /// Makes a board of the memory.
    pub fn mark(&self) {
        for (place, byte) in self.0.iter().zip(MARK) {
            place.store(byte, Ordering::Release);
        }
    }

    /// Whether the memory is a board.
    pub fn is_marked(&self) -> bool {
        let bytes = self.0.iter().map(|it| it.load(Ordering::Acquire));
        bytes.take(MARK.len()).eq(MARK)
    }

    /// Removes all lines.
    pub fn clear(&self) {
        text::publish(self.text(), "");
    }

    /// Adds a line.
    ///
    /// # Errors
    /// When the board is full.
    pub fn append(&self, line: &str) -> anyhow::Result<()> {
        let text = format!("{}{line}\n", self.lines().concat());
        ensure!(text.len() < self.text().len(), "the board is full");
        text::publish(self.text(), &text);
        Ok(())
    }

    /// All lines, each with its newline.
    pub fn lines(&self) -> Vec<String> {
        let text = text::published(self.text()).unwrap_or_default();
        text.split_inclusive('\n').map(str::to_owned).collect()
    }

    fn text(&self) -> &[AtomicU8] {
        &self.0[MARK.len()..]
    }
}
