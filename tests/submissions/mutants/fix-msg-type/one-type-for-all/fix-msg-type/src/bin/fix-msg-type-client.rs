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
    lesson::clean_up_on_signal()?;
    let me = MessageType::from(getpid().as_raw());

    let making = lesson::making();
    let (queue, created) = Queue::create(lesson::ftok(&key.dir, PROJECT)?)?;
    let mut made = created.then(|| making.remove_at_end(move || drop(queue.remove())));

    for line in stdin().lines() {
        let line = line.context("read stdin")?;
        queue.send(REQUEST, &request(me, &line)?)?;
        let answer = queue.receive(2)?;
        say!("Answer: {}", answer.text);
        // Who has answered removes the queue at the end.
        if let Some(made) = made.take() {
            made.leave();
        }
    }
    Ok(())
}
