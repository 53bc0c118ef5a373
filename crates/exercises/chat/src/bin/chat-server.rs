//! Lets many clients talk with each other over a Unix socket: see README.md.
//!
//! Its partner is chat-client, started after it, in as many terminals as you like.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Parser;
use lesson::Failure;

/// Let many clients talk with each other (partner: chat-client, started afterwards)
#[derive(Parser)]
struct Args {
    /// The socket; created, and removed at the end
    #[arg(default_value = chat::SOCKET_PATH)]
    path: PathBuf,
}

fn main() -> Result<(), Failure> {
    let Args { path } = Args::parse();
    Ok(serve(&path)?)
}

fn serve(path: &Path) -> anyhow::Result<()> {
    // TODO: stage 1.
    bail!(
        "{}: not written yet: stage 1, see README.md",
        path.display()
    );
}
