//! A pipe has a limited size: a write into a full one sleeps until there is room.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};

use anyhow::{Context, ensure};
use fork_isolation::reap;
use lesson::say;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::{ForkResult, Pid, SysconfVar, fork, pipe, sysconf};

use crate::send_to_parent;
use crate::sleeping::{stays_in_call, wait_until_asleep};

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
            lesson::end(send_to_parent(write_end, "x"))
        }
        ForkResult::Parent { child } => {
            let seen = free_a_page(child, &mut read_end);
            if seen.is_err() {
                // Without a reader the child's write fails, and the child ends.
                drop(read_end);
            }
            seen.and(reap(child))?;
            say!("   the rest of the page read: the child's write returns");
            Ok(())
        }
    }
}

/// Reads a page in two steps, and looks at the sleeping writer in between.
fn free_a_page(child: Pid, read_end: &mut File) -> anyhow::Result<()> {
    wait_until_asleep(child)?;
    say!("   one byte more: the child sleeps in write");
    read_exactly(read_end, 1)?;
    ensure!(stays_in_call(child)?, "one free byte has woken the writer");
    say!("   one byte read: it still sleeps, for the buffer is a ring of whole pages");
    let page = sysconf(SysconfVar::PAGE_SIZE).context("sysconf PAGE_SIZE")?;
    let page = usize::try_from(page.context("no PAGE_SIZE")?).context("PAGE_SIZE")?;
    read_exactly(read_end, page - 1)
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
