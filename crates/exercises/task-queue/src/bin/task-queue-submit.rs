//! Puts tasks into a message queue and prints their results: see README.md for what it must do.
//!
//! Its partners are any number of task-queue-worker, started after it.

use anyhow::anyhow;
use clap::Parser;
use lesson::Failure;
use task_queue::{Folder, Task};

/// Have workers do the tasks on standard input, PRIORITY PATH a line (partner: task-queue-worker)
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    folder: Folder,
}

fn main() -> Result<(), Failure> {
    let Args { folder } = Args::parse();
    let _ = (folder.dir, Task::parse);
    // TODO: make the queues, send the tasks, print the results.
    Err(anyhow!("not written yet: stage 1, see README.md").into())
}
