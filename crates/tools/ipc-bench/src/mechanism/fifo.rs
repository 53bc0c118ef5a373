//! mkfifo(3): a pipe with a name, one for each direction. The names go as soon as both ends are open.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;

use anyhow::Context;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::Pair;
use super::stream::Stream;

pub fn open(_size: usize) -> anyhow::Result<Pair> {
    let making = lesson::making();
    let folder = tempfile::tempdir().context("make a temporary folder")?;
    let path = folder.path().join("fifo");
    let ends = || -> anyhow::Result<(File, File)> {
        mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR)
            .with_context(|| format!("mkfifo {}", path.display()))?;
        // Without O_NONBLOCK this open would sleep until somebody writes.
        let mut options = File::options();
        let read = options
            .read(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(&path);
        let read = read.with_context(|| format!("open {} for reading", path.display()))?;
        let write = File::options().write(true).open(&path);
        let write = write.with_context(|| format!("open {} for writing", path.display()))?;
        nix::fcntl::fcntl(&read, nix::fcntl::F_SETFL(nix::fcntl::OFlag::empty()))
            .context("fcntl F_SETFL")?;
        std::fs::remove_file(&path).with_context(|| format!("unlink {}", path.display()))?;
        Ok((read, write))
    };
    let ((to_us, from_them), (to_them, from_us)) = (ends()?, ends()?);
    folder.close().context("rmdir the temporary folder")?;
    drop(making);
    let ours = Stream {
        input: to_us,
        output: from_us,
    };
    let theirs = Stream {
        input: to_them,
        output: from_them,
    };
    Ok(Pair::new(ours, theirs))
}
