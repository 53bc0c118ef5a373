//! Sends each line of standard input through a POSIX message queue; waits while it
//! is full.
//!
//! Its partner is fix-queue-full-receiver; either may be started first.

use std::io::stdin;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use fix_queue_full::{END, message};
use lesson::{Failure, say};
use posixmq::OpenOptions;

/// Send each line through a message queue (partner: fix-queue-full-receiver, before or after)
#[derive(Parser)]
struct Args {
    /// The queue; created if it is not there
    #[arg(default_value = fix_queue_full::NAME, value_parser = posix_msgq::parse_name)]
    name: String,
    /// Give up if the queue is full for this time
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
}

fn main() -> Result<(), Failure> {
    let Args { name, timeout } = Args::parse();
    lesson::clean_up_on_signal()?;
    let (queue, made) = posix_msgq::create(&name, &mut OpenOptions::writeonly())?;

    let timeout = timeout.map(Duration::from_secs);
    let mut sent = 0;
    let result = send_all(&mut sent, |message| {
        // Sleeps while the queue is full.
        match timeout {
            None => queue.send(0, message),
            Some(limit) => queue.send_timeout(0, message, limit),
        }
        .map_err(|error| posix_msgq::explain("mq_send", &name, error))
    });
    say!("Sent: {sent} messages");
    result?;

    // They wait in the kernel for the receiver, who removes the queue.
    if let Some(made) = made {
        made.leave();
    }
    Ok(())
}

/// Sends all lines, then the end, and counts in `sent` what has got into the queue.
fn send_all(sent: &mut u32, send: impl Fn(&[u8]) -> anyhow::Result<()>) -> anyhow::Result<()> {
    for line in stdin().lines() {
        let line = line.context("read stdin")?;
        send(&message(&line))?;
        *sent += 1;
    }
    send(END)
}
