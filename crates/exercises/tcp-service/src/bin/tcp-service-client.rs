//! Sends each line of its standard input as a request, and prints the answers: see README.md for what
//! it must do.
//!
//! Its partner is tcp-service-server, started before it.

use anyhow::anyhow;
use clap::Parser;
use lesson::Failure;
use tcp_service::Address;

/// Send each line as a request, and print the answers (partner: tcp-service-server, started before)
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    server: Address,
}

fn main() -> Result<(), Failure> {
    let Args { server } = Args::parse();
    let _ = server.address;
    // TODO: connect, send the requests, print the answers.
    Err(anyhow!("not written yet: stage 1, see README.md").into())
}
