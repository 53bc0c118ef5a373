//! What a grader has to say, as much of it as is worth keeping.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::bounds;

/// How many bytes are kept of the beginning, and of the end.
const HEAD: usize = 64 << 10;
const TAIL: usize = 4 << 10;
/// How many bytes can lie in a pipe.
const PIPE: usize = 64 << 10;

/// A file that holds the beginning and the end of what is written into a pipe.
pub struct Log {
    file: File,
    bytes: usize,
    tail: VecDeque<u8>,
}

impl Log {
    /// Makes the file.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(path: &Path) -> anyhow::Result<Self> {
        let mut options = File::options();
        options.write(true).create(true).truncate(true);
        let file = options.custom_flags(libc::O_NOFOLLOW).open(path);
        let file = file.with_context(|| format!("create {}", path.display()))?;
        let tail = VecDeque::new();
        Ok(Self {
            file,
            bytes: 0,
            tail,
        })
    }

    /// Copies from the pipe until its end, or until `ended` is set and the pipe is empty: a process that a
    /// killed grader left behind may still hold it open. Returns the last line.
    ///
    /// # Errors
    /// When the pipe cannot be read or the file cannot be written.
    pub fn copy(
        mut self,
        mut pipe: impl Read + AsFd,
        ended: &AtomicBool,
    ) -> anyhow::Result<String> {
        let mut buffer = [0; 8 << 10];
        let mut room_after_end = PIPE;
        while room_after_end > 0 {
            let has_ended = ended.load(Ordering::Acquire);
            let wait: u16 = if has_ended { 0 } else { 50 };
            let mut ready = [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)];
            match poll(&mut ready, PollTimeout::from(wait)) {
                Ok(0) if has_ended => break,
                Ok(0) | Err(nix::errno::Errno::EINTR) => continue,
                result => result.context("poll")?,
            };
            let bytes = pipe.read(&mut buffer).context("read a grader's errors")?;
            if bytes == 0 {
                break;
            }
            if has_ended {
                room_after_end = room_after_end.saturating_sub(bytes);
            }
            self.add(&buffer[..bytes])?;
        }
        self.finish()
    }

    fn add(&mut self, text: &[u8]) -> anyhow::Result<()> {
        let room = HEAD.saturating_sub(self.bytes).min(text.len());
        let written = self.file.write_all(&text[..room]);
        written.context("write grader.log")?;
        self.bytes += text.len();
        self.tail.extend(text);
        let more = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..more);
        Ok(())
    }

    fn finish(mut self) -> anyhow::Result<String> {
        let tail = self.tail.make_contiguous();
        // What has not been written, and stands in the tail; the rest is lost.
        let missing = self.bytes.saturating_sub(HEAD);
        let end = &tail[tail.len() - missing.min(tail.len())..];
        if missing > end.len() {
            let mark = format!("\n… ({} bytes more) …\n", missing - end.len());
            self.file
                .write_all(mark.as_bytes())
                .context("write grader.log")?;
        }
        self.file.write_all(end).context("write grader.log")?;
        let said = String::from_utf8_lossy(tail);
        let last = said.lines().rfind(|line| !line.trim().is_empty());
        Ok(bounds::printable_line(last.unwrap_or_default().trim()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Seek;

    use super::*;

    fn log(said: &[u8]) -> anyhow::Result<(String, Vec<u8>)> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("grader.log");
        let mut pipe = tempfile::tempfile()?;
        pipe.write_all(said)?;
        pipe.rewind()?;
        let last = Log::new(&path)?.copy(pipe, &AtomicBool::new(false))?;
        Ok((last, fs::read(path)?))
    }

    #[test]
    fn little_is_kept_whole_and_much_with_its_beginning_and_its_end() -> anyhow::Result<()> {
        let (last, file) = log(b"first\nlast \x1b[2J\n\n")?;
        assert_eq!(last, "last \u{fffd}[2J");
        assert_eq!(file, b"first\nlast \x1b[2J\n\n");
        for bytes in [HEAD, HEAD + 1, HEAD + TAIL] {
            assert_eq!(log(&vec![b'x'; bytes])?.1.len(), bytes);
        }
        let said = [
            "first\n".to_owned(),
            "x\n".repeat(1 << 20),
            "last\n".to_owned(),
        ]
        .concat();
        let (last, file) = log(said.as_bytes())?;
        let file = String::from_utf8(file)?;
        assert_eq!(last, "last");
        assert!(file.starts_with("first\nx\n") && file.ends_with("x\nlast\n"));
        let missing = said.len() - HEAD - TAIL;
        assert!(file.contains(&format!("\n… ({missing} bytes more) …\n")));
        assert!(file.len() < HEAD + TAIL + 100);
        Ok(())
    }

    #[test]
    fn a_pipe_that_a_process_holds_open_ends_with_the_grader() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let (reader, writer) = nix::unistd::pipe()?;
        nix::unistd::write(&writer, b"said\n")?;
        let log = Log::new(&folder.path().join("grader.log"))?;
        let last = log.copy(File::from(reader), &AtomicBool::new(true))?;
        assert_eq!(last, "said");
        drop(writer);
        Ok(())
    }
}
