//! Runs commands that are joined by pipes, as a shell does.
//!
//! One program, no partner.

mod args;
mod command;
mod running;

use std::fs::{File, OpenOptions};
use std::os::fd::OwnedFd;
use std::process::ExitCode;

use anyhow::Context;
use args::Args;
use clap::Parser;
use lesson::Failure;
use nix::fcntl::OFlag;
use nix::sys::signal::Signal;
use nix::unistd::pipe2;
use running::Running;

fn main() -> Result<ExitCode, Failure> {
    let args = Args::parse();
    // Before the first command: if a file cannot be opened, none is started.
    let input = open_input(&args)?;
    let output = open_output(&args)?;

    let mut running = Running::none()?;
    if let Err(error) = start_all(&args, input, output, &mut running) {
        running.tell(Signal::SIGTERM)?;
        running.wait()?;
        return Err(error.into());
    }
    let statuses = running.wait()?;
    let last = statuses.last().copied().unwrap_or(0);
    let failed = statuses.into_iter().rfind(|status| *status != 0);
    let status = if args.pipefail { failed } else { None };
    Ok(status.unwrap_or(last).into())
}

// std opens files with O_CLOEXEC, as pipe2 below makes its ends: exec closes them in every
// command. dup2 makes copies without that flag, and those are all that a command has.

fn open_input(args: &Args) -> anyhow::Result<Option<OwnedFd>> {
    let Some(path) = &args.input else {
        return Ok(None);
    };
    let file = File::open(path).with_context(|| format!("open {}", path.display()))?;
    Ok(Some(file.into()))
}

fn open_output(args: &Args) -> anyhow::Result<Option<OwnedFd>> {
    let Some(path) = &args.output else {
        return Ok(None);
    };
    let mut options = OpenOptions::new();
    options.create(true).write(true);
    let options = options.append(args.append).truncate(!args.append);
    let file = options
        .open(path)
        .with_context(|| format!("open {} for writing", path.display()))?;
    Ok(Some(file.into()))
}

fn start_all(
    args: &Args,
    mut input: Option<OwnedFd>,
    mut output: Option<OwnedFd>,
    running: &mut Running,
) -> anyhow::Result<()> {
    let commands = args.commands();
    let count = commands.len();
    for (index, command) in commands.into_iter().enumerate() {
        let (next_input, stdout) = if index + 1 < count {
            let (read_end, write_end) = pipe2(OFlag::O_CLOEXEC).context("pipe2")?;
            (Some(read_end), Some(write_end))
        } else {
            (None, output.take())
        };
        running.start(command, input.as_ref(), stdout.as_ref())?;
        // Here this process closes both ends that the command has got. With a write end open here
        // the next command would see no end-of-file, with a read end this one no SIGPIPE.
        input = next_input;
    }
    Ok(())
}
