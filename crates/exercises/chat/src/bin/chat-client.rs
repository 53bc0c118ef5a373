//! Takes part in a chat under a name: see README.md.
//!
//! Its partner is chat-server, started before it.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Parser;
use lesson::Failure;

/// Take part in a chat (partner: chat-server, started before)
#[derive(Parser)]
struct Args {
    /// Your name: 1 to 20 letters and digits
    name: String,
    /// The server's socket
    #[arg(default_value = chat::SOCKET_PATH)]
    path: PathBuf,
}

fn main() -> Result<(), Failure> {
    let Args { name, path } = Args::parse();
    Ok(talk(&name, &path)?)
}

fn talk(name: &str, path: &Path) -> anyhow::Result<()> {
    // TODO: stage 2.
    bail!(
        "{name} at {}: not written yet: stage 2, see README.md",
        path.display()
    );
}
