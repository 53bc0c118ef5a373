//! One command of the pipeline: fork, dup2, exec, and later wait.

use std::ffi::{CString, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;

use anyhow::{Context, bail};
use nix::errno::Errno;
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, dup2_stdin, dup2_stdout, execvp, fork};

/// Starts `command` with its standard input and output moved to the given pipe ends.
pub fn start(
    command: &[OsString],
    stdin: Option<&OwnedFd>,
    stdout: Option<&OwnedFd>,
) -> anyhow::Result<Pid> {
    // SAFETY: this process has one thread, so the child can hold no lock of a thread it lacks.
    match unsafe { fork() }.context("fork")? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => lesson::end(become_command(command, stdin, stdout)),
    }
}

/// In the child. Returns only if something fails: after exec this process is the command.
fn become_command(
    command: &[OsString],
    stdin: Option<&OwnedFd>,
    stdout: Option<&OwnedFd>,
) -> anyhow::Result<()> {
    // dup2 makes descriptor 0 or 1 name the pipe; the command never knows the difference.
    if let Some(pipe) = stdin {
        dup2_stdin(pipe).context("dup2 to standard input")?;
    }
    if let Some(pipe) = stdout {
        dup2_stdout(pipe).context("dup2 to standard output")?;
    }
    // Rust ignores SIGPIPE and exec passes that on: `yes | head -1` would not end quietly.
    // SAFETY: SIG_DFL installs no handler of ours.
    unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) }.context("signal SIGPIPE")?;

    let words: Result<Vec<_>, _> = command
        .iter()
        .map(|word| CString::new(word.as_bytes()))
        .collect();
    let words = words.context("a command with a NUL byte")?;
    let Err(errno) = execvp(&words[0], &words);
    // The shell's exit statuses for a command that could not be started.
    let (status, next) = match errno {
        Errno::ENOENT => (127, "check its name and PATH"),
        _ => (126, "check its mode with ls -l"),
    };
    let name = command[0].to_string_lossy();
    lesson::note!("Error: execvp {name}: {errno}: {next}");
    std::process::exit(status)
}

/// The exit status as a shell reports it: that of the command, or 128 + the signal's number.
pub fn wait(command: Pid) -> anyhow::Result<u8> {
    match waitpid(command, None).context("waitpid")? {
        WaitStatus::Exited(_, status) => Ok(u8::try_from(status).unwrap_or(u8::MAX)),
        WaitStatus::Signaled(_, signal, _) => Ok(128 + signal as u8),
        status => bail!("process {command} has not ended: {status:?}"),
    }
}
