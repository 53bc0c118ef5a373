//! Asks the server with each line of standard input, and prints the answer.
//!
//! Its partner is fix-msg-type-server; either may be started first.

use std::io::stdin;

use anyhow::Context;
use clap::Parser;
use fix_msg_type::{REQUEST, request};
use lesson::{Failure, say};
use nix::unistd::getpid;
use sysv_msgq::{Key, MessageType, PROJECT, Queue};

/// Ask with each line of standard input (partner: fix-msg-type-server, before or after)
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    key: Key,
}

fn main() -> Result<(), Failure> {
    let Args { key } = Args::parse();
    let me = MessageType::from(getpid().as_raw());

    let (queue, _) = Queue::create(lesson::ftok(&key.dir, PROJECT)?)?;

    for line in stdin().lines() {
        let line = line.context("read stdin")?;
        queue.send(REQUEST, &request(me, &line)?)?;
        let answer = queue.receive(me)?;
        say!("Answer: {}", answer.text);
    }
    Ok(())
}
