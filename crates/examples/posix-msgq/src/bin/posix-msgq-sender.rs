//! Puts a message into a POSIX message queue, and ends.
//!
//! Its partner is posix-msgq-receiver; either may be started first.

use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;
use lesson::{Failure, note, say};
use posixmq::OpenOptions;

/// Send messages with priorities (partner: posix-msgq-receiver, started before or after)
#[derive(Parser)]
struct Args {
    /// The queue; created if it is not there
    #[arg(default_value = posix_msgq::NAME, value_parser = posix_msgq::parse_name)]
    name: String,
    /// What to send; may be repeated
    #[arg(short, long, value_name = "PRIORITY:TEXT", value_parser = parse_message,
          default_value = "0:Hello POSIX MQ!")]
    message: Vec<(u32, String)>,
    /// Give up if the queue is full for this time
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
}

fn main() -> Result<(), Failure> {
    let args = Args::parse();
    let name = &args.name;
    lesson::clean_up_on_signal()?;
    let (queue, made) = posix_msgq::create(name, &mut OpenOptions::writeonly())?;

    let waiting = (queue.attributes())
        .with_context(|| format!("mq_getattr {name}"))?
        .current_messages;
    if waiting > 0 {
        note!("messages in {name} already: {waiting}; of equal priority they are received first");
    }

    for (priority, text) in args.message {
        // C prints up to the NUL, so that is sent too.
        let message = [text.as_bytes(), b"\0"].concat();
        // Sleeps while the queue is full.
        match args.timeout.map(Duration::from_secs) {
            None => queue.send(priority, &message),
            Some(limit) => queue.send_timeout(priority, &message, limit),
        }
        .map_err(|error| posix_msgq::explain("mq_send", name, error))?;
        say!("Message sent");
    }

    // The messages wait in the kernel for whoever comes; the receiver removes the queue.
    if let Some(made) = made {
        made.leave();
    }
    Ok(())
}

fn parse_message(message: &str) -> anyhow::Result<(u32, String)> {
    let parts = message.split_once(':');
    let (priority, text) = parts.context("not of the form PRIORITY:TEXT")?;
    let priority = priority.parse().context("the priority is no number")?;
    // MQ_PRIO_MAX: see mq_send(3).
    ensure!(priority < 32_768, "the highest priority is 32767");
    Ok((priority, text.into()))
}
