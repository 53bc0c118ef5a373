//! Starts a command and feeds it, line by line through a pipe, what it reads on standard input. It
//! dies without a word if the command stops reading: see README.md.
//!
//! One program, no partner: seq 5 | cargo run -q -p fix-sigpipe wc -l

use std::ffi::CString;
use std::fs::File;
use std::io::{BufRead, Write, stdin};
use std::os::fd::OwnedFd;

use anyhow::Context;
use clap::Parser;
use fork_isolation::reap;
use lesson::{Failure, say};
use nix::fcntl::OFlag;
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::unistd::{ForkResult, dup2_stdin, execvp, fork, pipe2};

/// Feed standard input to a command
#[derive(Parser)]
struct Args {
    /// The command, and its arguments
    #[arg(required = true, trailing_var_arg = true)]
    command: Vec<CString>,
}

fn main() -> Result<(), Failure> {
    let Args { command } = Args::parse();
    // SAFETY: SIG_DFL installs no handler of ours.
    unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) }.context("signal SIGPIPE")?;

    // O_CLOEXEC: the command keeps its standard input, and neither of these two.
    let (read_end, write_end) = pipe2(OFlag::O_CLOEXEC).context("pipe2")?;
    // SAFETY: this process has one thread, so the child can hold no lock of a thread it lacks.
    match unsafe { fork() }.context("fork")? {
        ForkResult::Child => lesson::end(become_command(&command, &read_end)),
        ForkResult::Parent { child } => {
            // With a read end of its own this process would never learn that the command has gone.
            drop(read_end);
            // TODO: nobody is told that the command has not read everything.
            let lines = feed(File::from(write_end))?;
            reap(child)?;
            say!("Lines: {lines}");
            Ok(())
        }
    }
}

/// Writes each line of standard input into the pipe, and returns how many there were.
fn feed(mut pipe: File) -> anyhow::Result<usize> {
    let mut stdin = stdin().lock();
    let mut line = Vec::new();
    let mut lines = 0;
    while stdin.read_until(b'\n', &mut line).context("read stdin")? > 0 {
        pipe.write_all(&line).context("write into the pipe")?;
        line.clear();
        lines += 1;
    }
    Ok(lines)
}

/// In the child. Returns only if something fails: after exec this process is the command.
fn become_command(command: &[CString], stdin: &OwnedFd) -> anyhow::Result<()> {
    dup2_stdin(stdin).context("dup2 to standard input")?;
    let name = command[0].to_string_lossy();
    execvp(&command[0], command).with_context(|| format!("execvp {name}"))?;
    Ok(())
}
