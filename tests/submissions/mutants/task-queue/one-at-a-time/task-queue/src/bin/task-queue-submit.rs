//! Puts tasks into a message queue and prints their results. Each task stays on the books until its
//! result is there, so that the task of a worker that dies can be submitted again.
//!
//! Its partners are any number of task-queue-worker, started after it.

use std::collections::BTreeMap;
use std::io::stdin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::{Context, anyhow};
use clap::Parser;
use lesson::{Failure, say};
use nix::unistd::Pid;
use task_queue::{Event, Folder, Queues, Task, wait_until_gone};

/// Have workers do the tasks on standard input, PRIORITY PATH a line (partner: task-queue-worker)
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    folder: Folder,
}

/// A task without a result, and the worker that has said that it does it.
struct Open {
    task: Task,
    holder: Option<Pid>,
}

/// By number; shared with the thread that submits.
type Books = Arc<Mutex<BTreeMap<u32, Open>>>;

fn main() -> Result<(), Failure> {
    let Args { folder } = Args::parse();
    lesson::clean_up_on_signal()?;
    let (queues, _made) = Queues::create(&folder.dir)?;
    say!("Ready");

    // A thread of its own sleeps while the queue is full. If this one did, nobody would receive
    // results, and with both queues full all would sleep for ever.
    let books = Books::default();
    let its_books = books.clone();
    let mut submitter = Some(thread::spawn(move || {
        let count = submit_all(queues, &its_books);
        queues.tell(&Event::Submitted)?;
        count
    }));

    let (mut all, mut done, mut suspicion) = (None, 0, false);
    while all != Some(done) {
        match queues.next_event()? {
            Event::Here(pid) => watch(queues, pid),
            Event::Taken(pid, id) => {
                if let Some(open) = lock(&books).get_mut(&id) {
                    open.holder = Some(pid);
                }
            }
            Event::Done(id, result) => {
                // A task that was submitted twice has its second result ignored.
                if let Some(open) = lock(&books).remove(&id) {
                    say!("Result {id}: {}: {result}", open.task.path);
                    done += 1;
                }
            }
            Event::Gone(pid) => {
                // One that held a task took no other before it died; of the rest nobody can tell.
                suspicion |= !again(queues, &books, |holder| holder == Some(pid));
            }
            Event::Submitted => {
                let ended = submitter.take().map(thread::JoinHandle::join);
                let count = ended
                    .context("submitted twice")?
                    .map_err(|_| anyhow!("a panic"))??;
                say!("Submitted: {count} tasks");
                all = Some(count);
            }
        }
        // A worker may die between the moment in which it takes a task and that in which it says
        // so. Then the task is in nobody's hands, and not in the queue either.
        if suspicion && queues.are_empty()? {
            suspicion = false;
            again(queues, &books, |holder| holder.is_none());
        }
    }
    say!("Done: {done} tasks");
    Ok(())
}

fn submit_all(queues: Queues, books: &Books) -> anyhow::Result<u32> {
    let mut count = 0;
    for line in stdin().lines() {
        let task = Task::parse(&line.context("read stdin")?)
            .with_context(|| format!("line {}", count + 1))?;
        count += 1;
        // On the books first: its result may be there before `submit` returns.
        let open = Open {
            task: task.clone(),
            holder: None,
        };
        lock(books).insert(count, open);
        queues.submit(count, &task)?;
    }
    Ok(count)
}

/// Tells when that worker has ended.
fn watch(queues: Queues, pid: Pid) {
    thread::spawn(move || {
        let told = wait_until_gone(pid).and_then(|()| queues.tell(&Event::Gone(pid)));
        match told {
            Err(error) if !queues.are_gone() => lesson::note!("worker {pid}: {error:#}"),
            _ => {} // The end of the program, which removes the queues.
        }
    });
}

/// Submits all tasks again of which `lost` is true, by the worker that has them: whether there are any.
fn again(queues: Queues, books: &Books, lost: impl Fn(Option<Pid>) -> bool) -> bool {
    let mut again = Vec::new();
    for (id, open) in lock(books).iter_mut() {
        if lost(open.holder) {
            open.holder = None;
            again.push((*id, open.task.clone()));
        }
    }
    let any = !again.is_empty();
    // As in main: the queue may be full.
    thread::spawn(move || {
        for (id, task) in again {
            if queues.submit(id, &task).is_ok() {
                say!("Again {id}: {}", task.path);
            }
        }
    });
    any
}

fn lock(books: &Books) -> MutexGuard<'_, BTreeMap<u32, Open>> {
    books.lock().unwrap_or_else(PoisonError::into_inner)
}
