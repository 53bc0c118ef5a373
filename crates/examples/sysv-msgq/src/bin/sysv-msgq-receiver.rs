//! Takes three messages out of a System V queue by their types, not in the order sent, and removes it.
//!
//! Its partner is sysv-msgq-sender; either may be started first.

use std::time::Duration;

use anyhow::anyhow;
use clap::Parser;
use lesson::{Failure, note, say, with_argument};
use sysv_msgq::{Key, PROJECT, Queue};

/// Receive by priority, high to low (partner: sysv-msgq-sender, before or after)
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    key: Key,
    /// Give up if a message does not come within this time
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
    /// Receive so many messages of each priority, then remove the queue
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    times: u32,
}

fn main() -> Result<(), Failure> {
    let Args {
        key,
        timeout,
        times,
    } = Args::parse();
    lesson::clean_up_on_signal()?;

    let making = lesson::making();
    let (queue, created) = Queue::create(lesson::ftok(&key.dir, PROJECT)?)?;
    let made = created.then(|| making.remove_at_end(move || drop(queue.remove())));
    say!("Receiving messages (high to low priority):");

    for priority in (0..times).flat_map(|_| [3, 2, 1]) {
        // Sleeps until a message of this very type is there, whatever else may wait before it.
        let message = match timeout {
            None => queue.receive(priority)?,
            Some(seconds) => queue
                .receive_within(Duration::from_secs(seconds), priority)?
                .ok_or_else(|| {
                    anyhow!(
                        "msgrcv {queue}: no message of type {priority} within {seconds} s: \
                         start sysv-msgq-sender (cargo run -q --bin {})",
                        with_argument("sysv-msgq-sender", key.dir.display(), ".")
                    )
                })?,
        };
        say!("Priority {priority}: {}", message.text);
    }

    let left = queue.waiting()?;
    if left > 0 {
        note!("{queue} is removed with messages in it: {left} (--times receives more)");
    }
    // Nobody else removes it, and it would stay until the machine is shut down.
    queue.remove()?;
    say!("Message queue removed");
    if let Some(made) = made {
        made.leave();
    }
    Ok(())
}
