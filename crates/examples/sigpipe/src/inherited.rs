//! What exec passes on: an ignored signal stays ignored in the new program.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;

use anyhow::Context;
use fork_isolation::reap;
use lesson::say;
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::unistd::{ForkResult, dup2_stdout, execvp, fork, pipe};

/// Looks at SIGPIPE in a program that was started as it comes, and with SIGPIPE restored.
pub fn show() -> anyhow::Result<()> {
    let state = |ignored| if ignored { "ignored" } else { "at its default" };
    let ignored = ignored_after_exec(false)?;
    say!("  as Rust leaves it: SIGPIPE is {} there", state(ignored));
    let ignored = ignored_after_exec(true)?;
    say!(
        "  with SIG_DFL before exec: SIGPIPE is {} there",
        state(ignored)
    );
    Ok(())
}

/// Executes grep, which prints its own mask of ignored signals, and reads that through a pipe.
fn ignored_after_exec(restore: bool) -> anyhow::Result<bool> {
    let (read_end, write_end) = pipe().context("pipe")?;
    // SAFETY: this process has one thread, so the child can hold no lock of a thread it lacks.
    let child = match unsafe { fork() }.context("fork")? {
        ForkResult::Child => {
            drop(read_end);
            lesson::end(become_grep(&write_end, restore))
        }
        ForkResult::Parent { child } => child,
    };
    drop(write_end);
    let mut mask = String::new();
    let read = File::from(read_end)
        .read_to_string(&mut mask)
        .context("read from grep");
    reap(child)?;
    read?;

    // "SigIgn:	0000000000001000": signal number n is bit n - 1.
    let mask = mask.trim_start_matches("SigIgn:").trim();
    let mask = u64::from_str_radix(mask, 16).with_context(|| format!("{mask:?} is no mask"))?;
    Ok(mask & (1 << (Signal::SIGPIPE as i32 - 1)) != 0)
}

/// Returns only if it fails: otherwise this process is grep from exec on.
fn become_grep(stdout: &OwnedFd, restore: bool) -> anyhow::Result<()> {
    if restore {
        // SAFETY: SIG_DFL installs no handler of ours.
        unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) }.context("signal SIGPIPE")?;
    }
    dup2_stdout(stdout).context("dup2 to standard output")?;
    let command = [c"grep", c"SigIgn:", c"/proc/self/status"];
    execvp(command[0], &command).context("execvp grep")?;
    Ok(())
}
