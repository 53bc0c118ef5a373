//! Keeps records in shared memory, for any number of processes: see README.md for what it must do.
//!
//! One program, which others of its kind work beside: cargo run -q -p shm-database -- create

use std::path::PathBuf;

use anyhow::anyhow;
use clap::Parser;
use lesson::Failure;
use shm_database::Command;

/// A database in shared memory: create, put KEY VALUE, get KEY, delete KEY, list, session, destroy
#[derive(Parser)]
struct Args {
    /// The folder that stands for the database
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// One command, or `session`: then each line of standard input is one
    #[arg(required = true, trailing_var_arg = true)]
    command: Vec<String>,
}

fn main() -> Result<(), Failure> {
    let Args { dir, command } = Args::parse();
    let line = command.join(" ");
    if line != "session" {
        Command::parse(&line)?;
    }
    let _ = dir;
    // TODO: do the command; in a session, one after the other.
    Err(anyhow!("not written yet: stage 1, see README.md").into())
}
