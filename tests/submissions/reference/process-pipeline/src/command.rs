//! What a child does to become its command: dup2, the signals, exec.

use std::ffi::{CString, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;

use anyhow::Context;
use nix::errno::Errno;
use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use nix::unistd::{dup2_stdin, dup2_stdout, execvp};

/// Returns only if something fails: after exec this process is the command.
pub fn become_command(
    command: &[OsString],
    stdin: Option<&OwnedFd>,
    stdout: Option<&OwnedFd>,
    mask: &SigSet,
) -> anyhow::Result<()> {
    if let Some(stdin) = stdin {
        dup2_stdin(stdin).context("dup2 to standard input")?;
    }
    if let Some(stdout) = stdout {
        dup2_stdout(stdout).context("dup2 to standard output")?;
    }
    // exec passes on which signals are ignored (Rust ignores SIGPIPE), and which are blocked.
    // SAFETY: SIG_DFL installs no handler of ours.
    unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) }.context("signal SIGPIPE")?;
    mask.thread_set_mask().context("pthread_sigmask")?;

    let words: Result<Vec<_>, _> = command
        .iter()
        .map(|word| CString::new(word.as_bytes()))
        .collect();
    let words = words.context("a command with a NUL byte")?;
    let Err(errno) = execvp(&words[0], &words);
    let name = command[0].to_string_lossy();
    lesson::note!("Error: {name}: {}", errno.desc());
    let status = if errno == Errno::ENOENT { 127 } else { 126 };
    std::process::exit(status)
}
