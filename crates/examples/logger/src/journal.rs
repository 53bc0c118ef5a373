//! The service's log file: a timestamp for each line, each line written whole.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;
use jiff::ZonedDateTime;

use crate::{CUT, LONGEST, cut, make_blocking};

/// The log file, and the line that has not ended yet.
pub struct Journal {
    file: File,
    path: PathBuf,
    /// At most LONGEST bytes, whatever arrives.
    line: Vec<u8>,
    too_long: bool,
    cut: u64,
}

impl Journal {
    /// Opens the log to append to it: what is in it stays in it. See open(2).
    ///
    /// # Errors
    /// When the path cannot be opened for writing, or its last byte cannot be read.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        // Mode 0600 if it is created. O_NONBLOCK, so that a FIFO in its place is an error (ENXIO)
        // and not a wait for a reader.
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(libc::O_NONBLOCK)
            .open(path)
            .with_context(|| format!("open the log {}", path.display()))?;
        make_blocking(&file)?;
        let mut journal = Self {
            file,
            path: path.to_owned(),
            line: Vec::with_capacity(LONGEST),
            too_long: false,
            cut: 0,
        };
        journal.end_torn_line()?;
        Ok(journal)
    }

    /// Ends a line that kill -9 or a full disk tore, so that the next one starts afresh.
    fn end_torn_line(&mut self) -> anyhow::Result<()> {
        let shown = self.path.display();
        let found = self
            .file
            .metadata()
            .with_context(|| format!("fstat {shown}"))?;
        if !found.is_file() || found.len() == 0 {
            return Ok(());
        }
        let mut last = [0];
        File::open(&self.path)
            .and_then(|file| file.read_exact_at(&mut last, found.len() - 1))
            .with_context(|| format!("read the end of the log {shown}"))?;
        if last != *b"\n" {
            self.file
                .write_all(&[CUT, b"\n"].concat())
                .with_context(|| format!("write the log {shown}"))?;
            lesson::note!("logger-service: the last line of {shown} is torn, marked as cut");
        }
        Ok(())
    }

    /// Takes what one read(2) brought, half a line or ten and a half, and writes what is whole.
    ///
    /// # Errors
    /// When the log cannot be written.
    pub fn take(&mut self, mut bytes: &[u8]) -> anyhow::Result<()> {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.collect(&bytes[..end]);
            self.write_line()?;
            bytes = &bytes[end + 1..];
        }
        self.collect(bytes);
        Ok(())
    }

    /// Writes a last line without a newline, and says how many lines were cut.
    ///
    /// # Errors
    /// When the log cannot be written.
    pub fn finish(&mut self) -> anyhow::Result<()> {
        if !self.line.is_empty() {
            self.write_line()?;
        }
        if self.cut > 0 {
            let count = self.cut;
            lesson::note!("logger-service: lines longer than {LONGEST} bytes, cut: {count}");
        }
        Ok(())
    }

    fn collect(&mut self, part: &[u8]) {
        let room = LONGEST - self.line.len();
        self.too_long |= part.len() > room;
        self.line.extend_from_slice(&part[..part.len().min(room)]);
    }

    fn write_line(&mut self) -> anyhow::Result<()> {
        if self.too_long {
            cut(&mut self.line);
            self.cut += 1;
            self.too_long = false;
        }
        // The format of ctime(3), but without the newline at its end.
        let now = ZonedDateTime::now().strftime("%a %b %e %H:%M:%S %Y");
        let mut entry = format!("[{now}] ").into_bytes();
        entry.append(&mut self.line);
        entry.push(b'\n');
        // One write(2), and no buffer in this program: what is written survives kill -9. Only
        // the line being written then may be torn, where it crosses from one page of the file
        // into the next. O_APPEND: at the end, even if somebody else writes there too.
        self.file
            .write_all(&entry)
            .with_context(|| format!("write the log {}", self.path.display()))
    }
}
