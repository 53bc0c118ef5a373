//! Puts numbers into a ring in shared memory; three semaphores keep order with the consumer.
//!
//! Its partner is consumer, started after it.

use std::thread::sleep;
use std::time::Duration;

use clap::Parser;
use lesson::{Failure, say};
use producer_consumer::{EMPTY, FULL, MUTEX, Options, Shared};

/// Produce items (partner: consumer, started afterwards)
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    options: Options,
    /// Time to make an item
    #[arg(long, value_name = "MS", default_value_t = 100)]
    delay_ms: u64,
}

fn main() -> Result<(), Failure> {
    let Args { options, delay_ms } = Args::parse();
    lesson::clean_up_on_signal()?;
    let (shared, made) = Shared::create(&options.dir)?;
    say!("Producer: Starting to produce {} items", options.items);

    for item in 1..=options.items {
        // First an empty place, then the lock: the other way round the producer would sleep
        // with the lock in its hands, and the consumer could never make room.
        shared.acquire(EMPTY, |_| shared.consumer_gone(), "consumer")?;

        let index = shared.put(item);
        say!("Producer: Produced item {item} at index {index}");
        shared.advance_in();

        shared.set.unlock(MUTEX)?;
        shared.set.v(FULL)?;
        sleep(Duration::from_millis(delay_ms));
    }

    say!("Producer: Done");
    // What is left in the ring waits for the consumer, who removes it all.
    made.leave();
    Ok(())
}
