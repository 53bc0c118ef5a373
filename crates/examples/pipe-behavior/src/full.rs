//! A pipe has a limited size: a write into a full one sleeps until there is room.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};

use anyhow::{Context, ensure};
use fork_isolation::reap;
use lesson::say;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::{ForkResult, SysconfVar, fork, pipe, sysconf};

use crate::sleeping::{stays_asleep, wait_until_asleep};

pub fn full() -> anyhow::Result<()> {
    let (read_end, write_end) = pipe().context("pipe")?;
    let (mut read_end, mut write_end) = (File::from(read_end), File::from(write_end));
    let size = fcntl(&write_end, FcntlArg::F_GETPIPE_SZ).context("fcntl F_GETPIPE_SZ")?;
    let held = fill(&mut write_end)?;
    say!("2. Full pipe: it holds {held} bytes (F_GETPIPE_SZ: {size})");

    // SAFETY: this process has one thread, so the child can hold no lock of a thread it lacks.
    match unsafe { fork() }.context("fork")? {
        ForkResult::Child => {
            drop(read_end);
            lesson::end(
                write_end
                    .write_all(b"x")
                    .context("write into the full pipe"),
            )
        }
        ForkResult::Parent { child } => {
            wait_until_asleep(child)?;
            say!("   one byte more: the child sleeps in write");
            read_exactly(&mut read_end, 1)?;
            ensure!(stays_asleep(child)?, "one free byte has woken the writer");
            say!("   one byte read: it still sleeps, for the buffer is a ring of whole pages");
            let page = sysconf(SysconfVar::PAGE_SIZE).context("sysconf PAGE_SIZE")?;
            let page = usize::try_from(page.context("no PAGE_SIZE")?).context("PAGE_SIZE")?;
            read_exactly(&mut read_end, page - 1)?;
            reap(child)?;
            say!("   the rest of the page read: the child's write returns");
            Ok(())
        }
    }
}

/// Writes until the kernel takes no more, and counts the bytes.
fn fill(pipe: &mut File) -> anyhow::Result<usize> {
    // With O_NONBLOCK a write that would sleep fails with EAGAIN instead.
    set_flags(pipe, OFlag::O_NONBLOCK)?;
    let mut held = 0;
    loop {
        match pipe.write(&[b'x'; 1024]) {
            Ok(length) => held += length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error).context("write into the pipe"),
        }
    }
    set_flags(pipe, OFlag::empty())?;
    Ok(held)
}

fn set_flags(pipe: &File, flags: OFlag) -> anyhow::Result<()> {
    fcntl(pipe, FcntlArg::F_SETFL(flags)).context("fcntl F_SETFL")?;
    Ok(())
}

fn read_exactly(pipe: &mut File, length: usize) -> anyhow::Result<()> {
    pipe.read_exact(&mut vec![0; length])
        .context("read from the full pipe")
}
