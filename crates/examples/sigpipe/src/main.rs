//! A write into a pipe that nobody reads: SIGPIPE kills the writer, unless it is ignored; then
//! the write fails with EPIPE. Rust starts every program with SIGPIPE ignored.
//!
//! One program, no partner: cargo run -q --bin sigpipe

mod inherited;

use std::fs::File;
use std::io::{ErrorKind, Write};

use anyhow::{Context, bail};
use fork_isolation::how_it_ended;
use lesson::{Failure, say};
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork, pipe};

fn main() -> Result<(), Failure> {
    lesson::no_arguments!();
    say!("SIGPIPE at its default action:");
    write_without_reader(SigHandler::SigDfl)?;
    say!("SIGPIPE ignored:");
    write_without_reader(SigHandler::SigIgn)?;
    say!("A program started by exec:");
    inherited::show()?;
    Ok(())
}

/// Lets a child write into a pipe without a reader, and tells how that ended.
fn write_without_reader(action: SigHandler) -> anyhow::Result<()> {
    // SAFETY: this process has one thread, so the child can hold no lock of a thread it lacks.
    let child = match unsafe { fork() }.context("fork")? {
        ForkResult::Child => lesson::end(write_into_the_void(action)),
        ForkResult::Parent { child } => child,
    };
    match waitpid(child, None).context("waitpid")? {
        WaitStatus::Exited(_, 0) => say!("  the child went on and exited with status 0"),
        WaitStatus::Signaled(_, signal, _) => {
            say!(
                "  the child was killed by signal {} ({signal})",
                signal as i32
            );
        }
        status => bail!("the child failed: {}", how_it_ended(status)),
    }
    Ok(())
}

fn write_into_the_void(action: SigHandler) -> anyhow::Result<()> {
    // SAFETY: neither SIG_DFL nor SIG_IGN installs a handler of ours.
    unsafe { signal(Signal::SIGPIPE, action) }.context("signal SIGPIPE")?;
    let (read_end, write_end) = pipe().context("pipe")?;
    // The last read end: from here on nobody can ever read what is written.
    drop(read_end);
    match File::from(write_end).write_all(b"hello") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {
            say!("  the child's write failed with EPIPE: Broken pipe");
            Ok(())
        }
        Err(error) => Err(error).context("write"),
        Ok(()) => bail!("the write went through, although nobody reads"),
    }
}
