//! Prints the messages of one sender.
//!
//! Its partner is fix-framing-sender, started after it.

use std::net::{SocketAddr, TcpListener};

use anyhow::Context;
use clap::Parser;
use lesson::{Failure, say};

/// Print the messages of one sender (partner: fix-framing-sender, started afterwards)
#[derive(Parser)]
struct Args {
    /// IP:PORT to listen on; port 0 takes a free one
    #[arg(value_name = "ADDR", default_value = "127.0.0.1:8080")]
    address: SocketAddr,
}

fn main() -> Result<(), Failure> {
    let Args { address } = Args::parse();
    // std sets SO_REUSEADDR before it binds.
    let listener = TcpListener::bind(address).with_context(|| format!("bind {address}"))?;
    let address = listener.local_addr().context("getsockname")?;
    say!("Receiver listening on port {}", address.port());
    let (mut sender, _) = listener.accept().context("accept")?;

    let mut messages = 0;
    while let Some(message) = fix_framing::receive(&mut sender)? {
        messages += 1;
        let text = String::from_utf8_lossy(&message);
        say!("Message {messages}, {} bytes: {text}", message.len());
    }
    say!("Received: {messages} messages");
    Ok(())
}
