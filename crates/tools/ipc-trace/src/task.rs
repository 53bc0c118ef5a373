//! A process or a thread of a trace, and what it did.

use std::time::Duration;

use crate::strace::{Call, End, Signal};

/// A process, or a thread that is not the first of its process.
#[derive(Debug, Clone, Default)]
pub struct Task {
    /// The thread's id; the process's where it is the first thread.
    pub tid: u32,
    /// The process it belongs to.
    pub pid: u32,
    /// The thread or process that made it, and when, if the log has that.
    pub parent: Option<(u32, Duration)>,
    /// What it ran, as execve was given it, and from when on; of the parent before that.
    pub execs: Vec<(Duration, Vec<String>)>,
    /// When and how it ended; `None` if it was still there when the log ended.
    pub end: Option<(Duration, End)>,
    /// Signals that came.
    pub signals: Vec<Signal>,
    /// When a signal stopped it, and which.
    pub stops: Vec<(Duration, String)>,
    /// Its calls in the order in which it made them.
    pub calls: Vec<Call>,
    /// The name of the log it was in: see [`Trace::read`].
    pub log: String,
    /// How many of its first calls belong to what started the program under test, see [`Task::played`].
    pub(crate) staged: usize,
    /// Whether its last call had not returned when the log ended.
    pub(crate) open: bool,
}

impl Task {
    /// Its calls without those that started the program under test: strace's own exec of it, or those
    /// of the launcher `ipc-grade enter` and of the launcher's child up to its exec.
    pub fn played(&self) -> &[Call] {
        &self.calls[self.staged.min(self.calls.len())..]
    }

    /// Whether the program under test, and not what started it, ran at that moment.
    pub fn plays(&self, when: Duration) -> bool {
        match self.staged.checked_sub(1) {
            None => true,
            Some(exec) => self.calls.get(exec).is_some_and(|exec| exec.start < when),
        }
    }

    /// What it ran at that moment; empty if the log does not say.
    pub fn command_at(&self, when: Duration) -> &[String] {
        let execs = self.execs.iter().rev();
        let current = execs.clone().find(|(since, _)| *since <= when);
        current.map_or(&[], |(_, command)| command)
    }

    /// What it ran in the end.
    pub fn command(&self) -> &[String] {
        self.command_at(Duration::MAX)
    }

    /// The name of that program, without its folder.
    pub fn program(&self) -> &str {
        name(self.command())
    }
}

/// A program's name, without its folder.
pub(crate) fn name(command: &[String]) -> &str {
    let program = command.first().map_or("", String::as_str);
    program.rsplit('/').next().unwrap_or(program)
}
