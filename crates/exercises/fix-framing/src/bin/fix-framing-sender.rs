//! Sends each line of standard input to the receiver, as one message. They arrive merged and torn:
//! see README.md. There is nothing to mend in this file: src/lib.rs has the mistake.
//!
//! Its partner is fix-framing-receiver, started before it.

use std::io::{BufRead, ErrorKind, stdin};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context, anyhow};
use clap::Parser;
use lesson::{Failure, say, start_first};

/// Send each line as one message (partner: fix-framing-receiver, started before)
#[derive(Parser)]
struct Args {
    /// The receiver's IP:PORT
    #[arg(value_name = "ADDR", default_value = "127.0.0.1:8080")]
    address: SocketAddr,
}

fn main() -> Result<(), Failure> {
    let Args { address } = Args::parse();
    let mut receiver = TcpStream::connect(address).map_err(|error| match error.kind() {
        ErrorKind::ConnectionRefused => start_first(
            format!("connect {address}: nobody listens"),
            "fix-framing/fix-framing-receiver",
        ),
        _ => anyhow!(error).context(format!("connect {address}")),
    })?;

    let mut messages = 0;
    for line in stdin().lock().split(b'\n') {
        let line = line.context("read stdin")?;
        fix_framing::send(&mut receiver, &line)?;
        messages += 1;
    }
    say!("Sent: {messages} messages");
    Ok(())
}
