//! What a student's program reads cannot be written by it.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, copy, stdin};
use std::os::fd::AsFd;

use anyhow::Context;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::unistd::dup2_stdin;

/// Where standard input is a regular file, puts a sealed copy in its place: see memfd_create(2).
///
/// A program that owns a file can open /proc/self/fd/0 for writing. With a seal nothing in the copy can
/// change, and the file itself is out of its reach.
///
/// # Errors
/// When the file cannot be read.
pub fn seal() -> anyhow::Result<()> {
    let given = stdin().as_fd().try_clone_to_owned().context("dup stdin")?;
    let mut given = File::from(given);
    if !given.metadata().context("fstat stdin")?.is_file() {
        return Ok(());
    }
    let flags = MFdFlags::MFD_ALLOW_SEALING | MFdFlags::MFD_CLOEXEC;
    let mut sealed = File::from(memfd_create(c"input", flags).context("memfd_create")?);
    copy(&mut given, &mut sealed).context("read stdin")?;
    sealed.seek(SeekFrom::Start(0)).context("lseek")?;
    let seals = SealFlag::F_SEAL_WRITE
        | SealFlag::F_SEAL_GROW
        | SealFlag::F_SEAL_SHRINK
        | SealFlag::F_SEAL_SEAL;
    fcntl(&sealed, FcntlArg::F_ADD_SEALS(seals))
        .map_err(io::Error::from)
        .context("fcntl F_ADD_SEALS")?;
    dup2_stdin(&sealed).context("dup2")
}
