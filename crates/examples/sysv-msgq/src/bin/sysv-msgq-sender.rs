//! Puts three messages of different types into a System V message queue, and ends.
//!
//! Its partner is sysv-msgq-receiver; either may be started first.

use anyhow::Context;
use clap::Parser;
use lesson::{Failure, say};
use sysv_msgq::{Key, PROJECT, Queue};

/// Send three messages with different priorities (partner: sysv-msgq-receiver, before or after)
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    key: Key,
    /// The text of the message with high priority
    #[arg(
        long,
        value_name = "TEXT",
        allow_hyphen_values = true,
        default_value = "High priority message"
    )]
    high: String,
    /// Send all three as often; a queue that is full makes the sender wait
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    times: u32,
}

fn main() -> Result<(), Failure> {
    let Args { key, high, times } = Args::parse();
    lesson::clean_up_on_signal()?;

    let making = lesson::making();
    let (queue, created) = Queue::create(lesson::ftok(&key.dir, PROJECT)?)?;
    let made = created.then(|| making.remove_at_end(move || drop(queue.remove())));
    say!("Message Queue created (ID: {})", queue.id());
    let waiting = queue.waiting()?;
    if waiting > 0 {
        lesson::note!("{queue} holds {waiting} messages already: they will be received first");
    }

    // The type is a number above zero that the two sides give a meaning: here the priority.
    for _ in 0..times {
        queue.send(1, "Low priority message")?;
        queue.send(2, "Medium priority message")?;
        queue.send(3, &high)?;
    }
    let sent = times.checked_mul(3).context("too many messages")?;
    say!("Sent {sent} messages with different priorities");

    // The messages wait in the kernel for whoever comes; the receiver removes the queue.
    if let Some(made) = made {
        made.leave();
    }
    Ok(())
}
