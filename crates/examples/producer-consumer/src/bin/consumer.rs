//! Takes numbers out of a ring in shared memory; three semaphores keep order with the producer.
//!
//! Its partner is producer, started before it.

use std::thread::sleep;
use std::time::Duration;

use clap::Parser;
use lesson::{Failure, note, poll_until, say, start_first};
use producer_consumer::{EMPTY, FULL, MUTEX, Options, Shared};

/// Consume items (partner: producer, started before)
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    options: Options,
    /// Time to use an item
    #[arg(long, value_name = "MS", default_value_t = 150)]
    delay_ms: u64,
}

fn main() -> Result<(), Failure> {
    let Args { options, delay_ms } = Args::parse();
    // Both may be started in the same moment; no event tells that the objects are there.
    let shared =
        poll_until(Duration::from_secs(2), || Shared::open(&options.dir))?.ok_or_else(|| {
            let producer = lesson::with_argument("producer", options.dir.display(), ".");
            start_first("no ring in shared memory here", &producer)
        })?;
    say!("Consumer: Starting to consume {} items", options.items);

    let consumed = consume(&shared, options.items, Duration::from_millis(delay_ms));
    // Also when the producer has died: nobody else would remove them.
    let removed = shared.remove();
    consumed?;
    if let Err(error) = removed {
        note!("{error:#}"); // the objects are ours, so another consumer was done first
    }
    Ok(())
}

fn consume(shared: &Shared, items: i32, delay: Duration) -> anyhow::Result<()> {
    for _ in 0..items {
        shared.acquire(FULL, |silence| shared.producer_gone(silence), "producer")?;

        let (item, index) = shared.get();
        say!("Consumer: Consumed item {item} from index {index}");
        shared.advance_out();

        shared.set.unlock(MUTEX)?;
        shared.set.v(EMPTY)?;
        sleep(delay);
    }
    say!("Consumer: Done");
    Ok(())
}
