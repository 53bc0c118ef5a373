//! Starts a command and feeds it, line by line through a pipe, what it reads on standard input; says
//! so if the command stops reading.
//!
//! One program, no partner: seq 5 | cargo run -q -p fix-sigpipe wc -l

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::{BufRead, ErrorKind, Write, stdin};
use std::os::fd::{AsFd, OwnedFd};

use anyhow::{Context, anyhow};
use clap::Parser;
use fork_isolation::reap;
use lesson::{Failure, say};
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::sys::wait::waitpid;
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

    // O_CLOEXEC: the command keeps its standard input, and neither of these two.
    let (read_end, write_end) = pipe2(OFlag::O_CLOEXEC).context("pipe2")?;
    // SAFETY: this process has one thread, so the child can hold no lock of a thread it lacks.
    match unsafe { fork() }.context("fork")? {
        ForkResult::Child => lesson::end(become_command(&command, &read_end)),
        ForkResult::Parent { child } => {
            // With a read end of its own this process would never learn that the command has gone.
            drop(read_end);
            match feed(File::from(write_end), &command[0]) {
                Ok(lines) => {
                    reap(child)?;
                    say!("Lines: {lines}");
                    Ok(())
                }
                Err(error) => {
                    // It is waited for all the same; how it ended is not what went wrong here.
                    waitpid(child, None).context("waitpid")?;
                    Err(error.into())
                }
            }
        }
    }
}

/// Writes each line of standard input into the pipe, and returns how many there were.
fn feed(mut pipe: File, command: &CStr) -> anyhow::Result<usize> {
    let mut stdin = stdin().lock();
    let mut line = Vec::new();
    let mut lines = 0;
    while stdin.read_until(b'\n', &mut line).context("read stdin")? > 0 {
        // POLLERR on the write end: no process has the read end open.
        let mut ask = [PollFd::new(pipe.as_fd(), PollFlags::POLLOUT)];
        poll(&mut ask, PollTimeout::NONE).context("poll")?;
        let gone = ask[0]
            .revents()
            .is_some_and(|it| it.contains(PollFlags::POLLERR));
        if gone {
            return Err(anyhow!("{} has stopped reading", command.to_string_lossy()));
        }
        // Rust has SIGPIPE ignored, so a write that nobody can read any more fails with EPIPE.
        pipe.write_all(&line).map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => anyhow!("{} has stopped reading", command.to_string_lossy()),
            _ => anyhow!(error).context("write into the pipe"),
        })?;
        line.clear();
        lines += 1;
    }
    Ok(lines)
}

/// In the child. Returns only if something fails: after exec this process is the command.
fn become_command(command: &[CString], stdin: &OwnedFd) -> anyhow::Result<()> {
    // exec passes ignored signals on: without this the command would not die of its own broken pipes.
    // SAFETY: SIG_DFL installs no handler of ours.
    unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) }.context("signal SIGPIPE")?;
    dup2_stdin(stdin).context("dup2 to standard input")?;
    let name = command[0].to_string_lossy();
    execvp(&command[0], command).with_context(|| format!("execvp {name}"))?;
    Ok(())
}
