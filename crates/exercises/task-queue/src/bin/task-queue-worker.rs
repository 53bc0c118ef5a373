//! Takes tasks out of a message queue, does them, and sends the results back: see README.md for what
//! it must do.
//!
//! Its partner is task-queue-submit, started before it; there may be several workers.

use anyhow::anyhow;
use clap::Parser;
use lesson::Failure;
use task_queue::Folder;

/// Do tasks, one after the other (partner: task-queue-submit, started before)
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    folder: Folder,
}

fn main() -> Result<(), Failure> {
    let Args { folder } = Args::parse();
    let _ = (folder.dir, task_queue::work);
    // TODO: open the queues, take a task, do it, send the result, until there are no more.
    Err(anyhow!("not written yet: stage 1, see README.md").into())
}
