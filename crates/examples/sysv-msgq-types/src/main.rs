//! What msgrcv takes out of a queue: the first message of all, the first of one type, or the
//! first of the lowest type up to a bound.
//!
//! One program, no partner: cargo run -q --bin sysv-msgq-types

use lesson::{Failure, say};
use sysv_msgq::{MessageType, Queue};

fn main() -> Result<(), Failure> {
    lesson::no_arguments!();
    lesson::clean_up_on_signal()?;
    let (queue, _guard) = lesson::create_id(Queue::private, |queue| drop(queue.remove()))?;

    for (msg_type, text) in [(7, "A"), (5, "B"), (2, "C"), (5, "D"), (1, "E"), (2, "F")] {
        queue.send(msg_type, text)?;
        say!("Sent {text:?}, type {msg_type}");
    }

    take(queue, 0, "the first message of any type")?;
    take(queue, 5, "the first message of type 5")?;
    // Lowest type first: a queue in which 1 is the most urgent.
    take(
        queue,
        -5,
        "the first message with type <= 5, lowest type first",
    )?;
    take(queue, -5, "the same again")?;
    take(
        queue,
        -5,
        "and again: of two with type 2 the older one has gone",
    )?;
    say!("{} message is left", queue.waiting()?);
    Ok(())
}

fn take(queue: Queue, msgtyp: MessageType, rule: &str) -> anyhow::Result<()> {
    let message = queue.receive(msgtyp)?;
    say!(
        "msgtyp {msgtyp:2} takes {:?}, type {}: {rule}",
        message.text,
        message.msg_type
    );
    Ok(())
}
