//! What the submitter is told, by the workers and by its own threads, in one queue and so in order.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, bail};
use nix::unistd::Pid;

/// One message of the second queue.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// A worker is there, and has taken nothing yet.
    Here(Pid),
    /// That worker has taken the task of this number.
    Taken(Pid, u32),
    /// The task's result.
    Done(u32, String),
    /// That worker has ended.
    Gone(Pid),
    /// The thread that submits has ended.
    Submitted,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Here(pid) => write!(f, "here {pid}"),
            Self::Taken(pid, id) => write!(f, "taken {pid} {id}"),
            Self::Done(id, result) => write!(f, "done {id} {result}"),
            Self::Gone(pid) => write!(f, "gone {pid}"),
            Self::Submitted => write!(f, "submitted"),
        }
    }
}

impl FromStr for Event {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (kind, rest) = text.split_once(' ').unwrap_or((text, ""));
        let (first, second) = rest.split_once(' ').unwrap_or((rest, ""));
        let number = |text: &str| text.parse().with_context(|| format!("no number: {text:?}"));
        let pid = || anyhow::Ok(Pid::from_raw(first.parse().context("no pid")?));
        Ok(match kind {
            "here" => Self::Here(pid()?),
            "taken" => Self::Taken(pid()?, number(second)?),
            "done" => Self::Done(number(first)?, second.into()),
            "gone" => Self::Gone(pid()?),
            "submitted" => Self::Submitted,
            _ => bail!("not a message of task-queue: {text:?}"),
        })
    }
}
