//! For TROUBLESHOOTING.md and its test: sends one message of any type into this folder's queue.
//!
//! send-type TYPE TEXT

use anyhow::Context;
use lesson::Failure;
use sysv_msgq::{PROJECT, Queue};

fn main() -> Result<(), Failure> {
    let mut words = std::env::args().skip(1);
    let msg_type = words.next().context("usage: send-type TYPE TEXT")?;
    let msg_type = msg_type.parse().context("TYPE: a number above 0")?;
    let text = words.next().context("usage: send-type TYPE TEXT")?;

    let (queue, _) = Queue::create(lesson::ftok(".".as_ref(), PROJECT)?)?;
    Ok(queue.send(msg_type, &text)?)
}
