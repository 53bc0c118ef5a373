//! Keeps a store, and answers what clients ask over TCP: see README.md for what it must do.
//!
//! Its partners are any number of tcp-service-client, started after it.

use anyhow::anyhow;
use clap::Parser;
use lesson::Failure;
use tcp_service::{Address, Store};

/// Answer requests over TCP (partner: tcp-service-client, started afterwards)
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    server: Address,

    /// How long a request may take from its first byte to its last, and the end of the server
    #[arg(long, value_name = "MS", default_value_t = 5000,
          value_parser = clap::value_parser!(u32).range(1..=3_600_000))]
    timeout_ms: u32,
}

fn main() -> Result<(), Failure> {
    let Args { server, timeout_ms } = Args::parse();
    let _ = (server.address, timeout_ms, Store::answer);
    // TODO: listen, accept, and answer each client's requests.
    Err(anyhow!("not written yet: stage 1, see README.md").into())
}
