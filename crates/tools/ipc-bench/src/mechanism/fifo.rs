//! mkfifo(3): a pipe with a name, one for each direction. The names go as soon as both ends are open.

use std::fs::{File, remove_dir, remove_file};
use std::os::unix::fs::OpenOptionsExt;

use anyhow::Context;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::Pair;
use super::stream::streams;

pub fn open(_size: usize) -> anyhow::Result<Pair> {
    let folder = tempfile::tempdir().context("make a temporary folder")?;
    let path = folder.path().join("fifo");
    let shown = path.display();
    let pair = streams(|| {
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        mkfifo(&path, mode).with_context(|| format!("mkfifo {shown}"))?;
        // Without O_NONBLOCK this open would sleep until somebody writes.
        let mut options = File::options();
        let read = options
            .read(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(&path);
        let read = read.with_context(|| format!("open {shown} for reading"))?;
        let write = File::options().write(true).open(&path);
        let write = write.with_context(|| format!("open {shown} for writing"))?;
        fcntl(&read, FcntlArg::F_SETFL(OFlag::empty())).context("fcntl F_SETFL")?;
        remove_file(&path).with_context(|| format!("unlink {shown}"))?;
        Ok((read, write))
    })?;
    // Not `close`, which opens the folder first: there may be no descriptor left for that.
    let folder = folder.keep();
    remove_dir(&folder).with_context(|| format!("rmdir {}", folder.display()))?;
    Ok(pair)
}
