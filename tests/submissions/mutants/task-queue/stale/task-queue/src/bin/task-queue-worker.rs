//! Takes tasks out of a message queue, does them, and sends the results back.
//!
//! Its partner is task-queue-submit, started before it; there may be several workers.

use std::path::Path;

use clap::Parser;
use lesson::{Failure, say};
use nix::unistd::Pid;
use task_queue::{Event, Folder, Queues, work};

/// Do tasks, one after the other (partner: task-queue-submit, started before)
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    folder: Folder,
}

fn main() -> Result<(), Failure> {
    let Args { folder } = Args::parse();
    let queues = Queues::open(&folder.dir)?;
    let mut done = 0;
    match serve(queues, &folder.dir, &mut done) {
        // The submitter removes the queues: that wakes whoever sleeps in them, and is the end.
        Err(_) if queues.are_gone() => {}
        other => other?,
    }
    say!("Tasks done: {done}");
    Ok(())
}

fn serve(queues: Queues, dir: &Path, done: &mut u32) -> anyhow::Result<()> {
    let me = Pid::this();
    // Before the first task is taken, so that the submitter sees when this process dies.
    queues.tell(&Event::Here(me))?;
    say!("Ready");
    loop {
        let (id, path) = queues.take()?;
        queues.tell(&Event::Taken(me, id))?;
        say!("Task {id}: {path}");
        let result = work(dir, &path);
        queues.tell(&Event::Done(id, result.clone()))?;
        say!("Done {id}: {result}");
        *done += 1;
    }
}
