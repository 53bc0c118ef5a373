//! What the submitter and the workers agree on: two System V queues, and the messages in them.

mod event;
mod process;
mod task;

use std::path::{Path, PathBuf};

use lesson::Made;
use sysv_msgq::Queue;

pub use event::Event;
pub use process::wait_until_gone;
pub use task::{HIGHEST, MAX_PATH, Task, work};

/// The one argument of both programs.
#[derive(clap::Args)]
pub struct Folder {
    /// The folder that stands for the queues, and in which the files of the tasks are
    #[arg(default_value = ".")]
    pub dir: PathBuf,
}

/// Two queues: if tasks and results were in one, a queue full of tasks would have no room for the
/// results that make room in it.
#[derive(Clone, Copy)]
pub struct Queues {
    tasks: Queue,
    events: Queue,
}

impl Queues {
    /// Makes both, in place of those that a killed submitter has left. The guards remove them.
    ///
    /// # Errors
    /// When they belong to another user, or the kernel allows no more queues.
    pub fn create(dir: &Path) -> anyhow::Result<(Self, [Made; 2])> {
        let (tasks, made_tasks) = create(dir, b'T')?;
        let (events, made_events) = create(dir, b'R')?;
        Ok((Self { tasks, events }, [made_tasks, made_events]))
    }

    /// Those of the submitter that runs.
    ///
    /// # Errors
    /// When none runs.
    pub fn open(dir: &Path) -> anyhow::Result<Self> {
        let open = |letter| {
            let queue = Queue::open(lesson::ftok(dir, letter)?)?;
            let missing = || format!("no tasks are submitted in {}", dir.display());
            queue.ok_or_else(|| lesson::start_first(missing(), "task-queue/task-queue-submit"))
        };
        Ok(Self {
            tasks: open(b'T')?,
            events: open(b'R')?,
        })
    }

    /// Whether the submitter has removed them.
    pub fn are_gone(self) -> bool {
        self.tasks.waiting().is_err() || self.events.waiting().is_err()
    }

    /// Puts a task into the queue; sleeps while that is full.
    ///
    /// # Errors
    /// When the queues are removed.
    pub fn submit(self, id: u32, task: &Task) -> anyhow::Result<()> {
        // The lowest type is received first.
        let order = 1 + HIGHEST - task.priority;
        self.tasks
            .send(order.into(), &format!("{id} {}", task.path))
    }

    /// Takes the first of the tasks with the highest priority; sleeps until there is one.
    ///
    /// # Errors
    /// When the queues are removed.
    pub fn take(self) -> anyhow::Result<(u32, String)> {
        let text = self.tasks.receive(-i64::from(HIGHEST) as _)?.text;
        let (id, path) = text.split_once(' ').unwrap_or_default();
        Ok((id.parse().unwrap_or(0), path.into()))
    }

    /// Whether no task waits for a worker, and no message for the submitter.
    ///
    /// # Errors
    /// When the queues are removed.
    pub fn are_empty(self) -> anyhow::Result<bool> {
        Ok(self.tasks.waiting()? == 0 && self.events.waiting()? == 0)
    }

    /// Tells the submitter.
    ///
    /// # Errors
    /// When the queues are removed.
    pub fn tell(self, event: &Event) -> anyhow::Result<()> {
        self.events.send(1, &event.to_string())
    }

    /// What the submitter is told next; sleeps until there is something.
    ///
    /// # Errors
    /// When the queues are removed, or this is no message of ours.
    pub fn next_event(self) -> anyhow::Result<Event> {
        self.events.receive(0)?.text.parse()
    }
}

fn create(dir: &Path, letter: u8) -> anyhow::Result<(Queue, Made)> {
    let key = lesson::ftok(dir, letter)?;
    let making = lesson::making();
    loop {
        let (queue, created) = Queue::create(key)?;
        if created {
            return Ok((queue, making.remove_at_end(move || drop(queue.remove()))));
        }
        lesson::note!("{queue} was left by a run that was killed: removed");
        queue.remove()?;
    }
}
