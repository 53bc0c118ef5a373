//! Takes requests out of a System V message queue, and puts the answers, the same text in capitals,
//! into the same queue. They do not arrive: see README.md.
//!
//! Its partner is fix-msg-type-client; either may be started first.

use clap::Parser;
use fix_msg_type::{ANSWER, REQUEST, parse};
use lesson::{Failure, note, say};
use sysv_msgq::{Key, PROJECT, Queue};

/// Answer requests in capitals (partner: fix-msg-type-client, before or after)
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    key: Key,
}

fn main() -> Result<(), Failure> {
    let Args { key } = Args::parse();
    lesson::exit_on_signal()?;

    let making = lesson::making();
    let (queue, _) = Queue::create(lesson::ftok(&key.dir, PROJECT)?)?;
    // Whoever has made it: the clients come and go.
    let _made = making.remove_at_end(move || drop(queue.remove()));
    say!("Server: waiting for requests (ID: {})", queue.id());

    loop {
        let message = queue.receive(REQUEST)?;
        let Some((_client, line)) = parse(&message.text) else {
            note!("no request: {}", message.text);
            continue;
        };
        say!("Request: {line}");
        // TODO: why does the client not get it?
        queue.send(ANSWER, &line.to_ascii_uppercase())?;
    }
}
