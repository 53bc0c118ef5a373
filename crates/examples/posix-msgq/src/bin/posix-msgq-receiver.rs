//! Takes the message with the highest priority out of a POSIX message queue, and removes the queue.
//!
//! Its partner is posix-msgq-sender; either may be started first.

use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use lesson::{Failure, note, say};
use posixmq::OpenOptions;

/// Receive messages, the highest priority first (partner: posix-msgq-sender, before or after)
#[derive(Parser)]
struct Args {
    /// The queue; created if it is not there, removed at the end
    #[arg(default_value = posix_msgq::NAME, value_parser = posix_msgq::parse_name)]
    name: String,
    /// How many messages to receive
    #[arg(short, long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// Give up if a message does not come within this time
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
}

fn main() -> Result<(), Failure> {
    let args = Args::parse();
    let name = &args.name;
    lesson::clean_up_on_signal()?;
    let (queue, made) = posix_msgq::create(name, &mut OpenOptions::readonly())?;

    // The buffer must hold the longest message that this queue takes, or the kernel refuses
    // with EMSGSIZE, however short the message is. So ask the queue.
    let attributes = queue.attributes();
    let attributes = attributes.with_context(|| format!("mq_getattr {name}"))?;
    let mut buffer = vec![0; attributes.max_msg_len];

    for _ in 0..args.count {
        // Sleeps while the queue is empty.
        let (priority, length) = match args.timeout.map(Duration::from_secs) {
            None => queue.recv(&mut buffer),
            Some(limit) => queue.recv_timeout(&mut buffer, limit),
        }
        .map_err(|error| posix_msgq::explain("mq_receive", name, error))?;
        let text = String::from_utf8_lossy(&buffer[..length]);
        let text = text.trim_end_matches('\0');
        say!("Received (priority {priority}): {text}");
    }

    let left = queue.attributes().map_or(0, |it| it.current_messages);
    if left > 0 {
        note!("{name} is removed with messages in it: {left} (--count receives more)");
    }
    match made {
        Some(made) => drop(made),
        None => posix_msgq::remove(name),
    }
    Ok(())
}
