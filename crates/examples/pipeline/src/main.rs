//! What a shell does for `ls | grep txt`: two children, a pipe between them, and each one's
//! standard output or input moved to its end of the pipe before exec.
//!
//! One program, no partner: cargo run -q --bin pipeline

mod stage;

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, Parser, error::ErrorKind};
use lesson::{Failure, say};
use nix::fcntl::OFlag;
use nix::unistd::pipe2;

/// Run two commands, the output of the first being the input of the other
#[derive(Parser)]
#[command(after_help = "Example: pipeline -- ls -l '|' wc -l")]
struct Args {
    /// Read the output back and say how much it is, instead of letting it go to the terminal
    #[arg(long)]
    capture: bool,
    /// COMMAND '|' COMMAND, the | quoted from the shell; with --capture one will do
    #[arg(last = true, default_values = ["ls", "|", "grep", "txt"])]
    commands: Vec<OsString>,
}

fn main() -> Result<ExitCode, Failure> {
    let Args { capture, commands } = Args::parse();
    let stages: Vec<_> = commands.split(|word| word == "|").collect();
    let (first, last) = match stages[..] {
        [first, last] => (Some(first), last),
        [only] if capture => (None, only),
        _ => usage("two commands with one '|' between them are needed"),
    };
    if last.is_empty() || first.is_some_and(<[OsString]>::is_empty) {
        usage("a command is missing beside the '|'");
    }

    // O_CLOEXEC: exec closes these descriptors in the child. dup2 makes copies without that
    // flag, so each command keeps its standard input and output and nothing else.
    let mut running = Vec::new();
    let mut input = None;
    if let Some(first) = first {
        let (read_end, write_end) = pipe2(OFlag::O_CLOEXEC).context("pipe2")?;
        running.push(stage::start(first, None, Some(&write_end))?);
        // Here write_end closes: if anybody but the first command had it open, the last one
        // would never see end-of-file.
        input = Some(read_end);
    }
    let (mut captured, mut output) = (None, None);
    if capture {
        let (read_end, write_end) = pipe2(OFlag::O_CLOEXEC).context("pipe2")?;
        (captured, output) = (Some(read_end), Some(write_end));
    }
    running.push(stage::start(last, input.as_ref(), output.as_ref())?);
    // With this read end open, the first command would never get SIGPIPE.
    drop((input, output));

    // Before waiting: a child that writes more than the pipe holds sleeps until it is read.
    let mut text = Vec::new();
    if let Some(captured) = captured {
        File::from(captured)
            .read_to_end(&mut text)
            .context("read the captured output")?;
    }

    // As in a shell, the status of the last command is that of the whole.
    let mut status = 0;
    for command in running {
        status = stage::wait(command)?;
    }
    if capture {
        let lines = text.iter().filter(|byte| **byte == b'\n').count();
        let plural = if lines == 1 { "" } else { "s" };
        say!("Captured {} bytes in {lines} line{plural}:", text.len());
        lesson::print(&text);
    }
    Ok(status.into())
}

fn usage(problem: &str) -> ! {
    let problem = format!("{problem}, for example: pipeline -- ls -l '|' wc -l");
    Args::command()
        .error(ErrorKind::ValueValidation, problem)
        .exit()
}
