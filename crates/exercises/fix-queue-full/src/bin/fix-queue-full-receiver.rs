//! Prints the messages that come through a POSIX message queue, until the sender says that there are no
//! more. There is nothing to mend in this file.
//!
//! Its partner is fix-queue-full-sender; either may be started first.

use anyhow::Context;
use clap::Parser;
use lesson::{Failure, say};
use posixmq::OpenOptions;

/// Print what comes through a message queue (partner: fix-queue-full-sender, before or after)
#[derive(Parser)]
struct Args {
    /// The queue; created if it is not there, removed at the end
    #[arg(default_value = fix_queue_full::NAME, value_parser = posix_msgq::parse_name)]
    name: String,
}

fn main() -> Result<(), Failure> {
    let Args { name } = Args::parse();
    lesson::clean_up_on_signal()?;
    let (queue, made) = posix_msgq::create(&name, &mut OpenOptions::readonly())?;
    let attributes = queue.attributes();
    let attributes = attributes.with_context(|| format!("mq_getattr {name}"))?;
    let mut buffer = vec![0; attributes.max_msg_len];
    say!("Receiver: waiting at {name}");

    let mut received = 0;
    loop {
        let (_, length) = queue
            .recv(&mut buffer)
            .map_err(|error| posix_msgq::explain("mq_receive", &name, error))?;
        let message = &buffer[..length];
        if message == fix_queue_full::END {
            break;
        }
        let text = String::from_utf8_lossy(message);
        say!("Message: {}", text.trim_end_matches('\0'));
        received += 1;
    }
    say!("Received: {received} messages");
    match made {
        Some(made) => drop(made),
        None => posix_msgq::remove(&name),
    }
    Ok(())
}
