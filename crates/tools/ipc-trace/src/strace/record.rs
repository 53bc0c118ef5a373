//! The records of a log: calls, signals and ends, put together from its lines.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::line::{self, Line};
use super::value::Value;

/// A system call as the log has it.
#[derive(Debug, Clone)]
pub struct Call {
    /// The thread that made it.
    pub tid: u32,
    /// When it began, since 1970.
    pub start: Duration,
    /// How long it took; `None` if it had not returned when the log ended.
    pub took: Option<Duration>,
    /// Its name: `msgrcv`.
    pub name: String,
    /// Its arguments; the last ones are missing if it never returned.
    pub arguments: Vec<Value>,
    /// What it returned.
    pub outcome: Outcome,
    /// Whether the thread was killed in it, or another one ended the process: `<unfinished ...>`.
    pub unfinished: bool,
}

/// What a call returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A number, and what strace knows of it: a descriptor, what poll(2) found, `Timeout`.
    Returned(i64, Option<Value>),
    /// The name of the error: `ENXIO`.
    Failed(String),
    /// It had not returned when the log ended, or never does (exit_group).
    None,
}

/// A signal that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    /// The thread that got it.
    pub tid: u32,
    /// When.
    pub when: Duration,
    /// `SIGPIPE`
    pub name: String,
    /// Why it was sent: `SI_USER`, `CLD_EXITED`.
    pub code: Option<String>,
    /// The process that sent it, if strace knows that.
    pub sender: Option<u32>,
}

/// How a process or a thread has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// With this exit status.
    Exited(i32),
    /// By this signal.
    Killed(String),
}

impl Call {
    /// When it returned; its start if it did not.
    pub fn end(&self) -> Duration {
        self.start + self.took.unwrap_or_default()
    }

    /// The number it returned, if it succeeded.
    pub fn value(&self) -> Option<i64> {
        match self.outcome {
            Outcome::Returned(value, _) => Some(value),
            _ => None,
        }
    }

    /// What strace knows of the number that it returned: the descriptor.
    pub fn returned(&self) -> Option<&Value> {
        match &self.outcome {
            Outcome::Returned(_, note) => note.as_ref(),
            _ => None,
        }
    }

    /// An argument, if there is one of that number.
    pub fn argument(&self, number: usize) -> Option<&Value> {
        self.arguments.get(number)
    }

    /// An argument in strace's notation; empty if there is none of that number.
    pub fn shown(&self, number: usize) -> String {
        self.argument(number)
            .map_or(String::new(), Value::to_string)
    }

    /// Whether an argument, or a member of one, has this symbol among its flags.
    pub fn has(&self, symbol: &str) -> bool {
        let mut values = self.arguments.iter().flat_map(Value::all);
        values.any(|value| value.has(symbol))
    }
}

/// A part of a log that says something.
#[derive(Debug, Clone)]
pub(crate) enum Record {
    Call(Call),
    Signal(Signal),
    Stopped(Duration, String),
    End(Duration, End),
}

/// All that a log says, and what is wrong with it.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// Each with the thread that it is about.
    pub records: Vec<(u32, Record)>,
    /// How many lines could not be read.
    pub unreadable: usize,
    /// How many lines end before the call has returned, and another line follows.
    pub cut: usize,
    /// The first line of these two kinds.
    pub first_bad: Option<Vec<u8>>,
    /// The threads whose last call had not returned when the log ended.
    pub open: BTreeSet<u32>,
}

impl Log {
    fn keep_bad(&mut self, line: &[u8]) {
        self.first_bad.get_or_insert_with(|| line.to_vec());
    }
}

/// Reads a log. `tid` is the thread whose log it is, unless the lines themselves name one.
pub(crate) fn read(text: &[u8], tid: u32) -> Log {
    let own = tid;
    let mut log = Log::default();
    let mut begun: BTreeMap<u32, (Call, Vec<u8>)> = BTreeMap::new();
    let mut last_open: Option<(u32, &[u8])> = None;
    for line in text.split(|byte| *byte == b'\n') {
        if line.trim_ascii().is_empty() {
            continue;
        }
        if let Some((_, open)) = last_open.take() {
            log.cut += 1;
            log.keep_bad(open);
        }
        let whole = line;
        let before = log.unreadable;
        let Some((tid, line)) = line::parse(line, tid) else {
            log.unreadable += 1;
            log.keep_bad(whole);
            continue;
        };
        match line {
            Line::Call(call) => log.records.push((tid, Record::Call(call))),
            Line::Open(call) => {
                last_open = Some((tid, whole));
                log.records.push((tid, Record::Call(call)));
            }
            Line::Begun(call, text) => {
                begun.insert(tid, (call, text));
            }
            Line::Resumed(end, name, rest) => match begun.remove(&tid) {
                Some((call, text)) if call.name == name => {
                    let call = resume(call, text, end, &rest);
                    log.unreadable += usize::from(call.is_none());
                    log.records
                        .extend(call.map(|call| (tid, Record::Call(call))));
                }
                // Another thread has called execve, and goes on under this one's id.
                None if name == "execve" && tid == own => {
                    let text = [b"execve(", rest.as_slice()].concat();
                    match line::call(tid, end, &text) {
                        Some(Line::Call(call)) => log.records.push((tid, Record::Call(call))),
                        _ => log.unreadable += 1,
                    }
                }
                _ => log.unreadable += 1,
            },
            Line::Signal(signal) => log.records.push((tid, Record::Signal(signal))),
            Line::Stopped(when, signal) => {
                log.records.push((tid, Record::Stopped(when, signal)));
            }
            Line::End(when, end) => log.records.push((tid, Record::End(when, end))),
            Line::Nothing => {}
        }
        if log.unreadable > before {
            log.keep_bad(whole);
        }
    }
    log.open.extend(last_open.map(|(tid, _)| tid));
    // What never resumed: the thread was killed in it, or is in it still.
    for (tid, (call, _)) in begun {
        log.open.insert(tid);
        log.records.push((tid, Record::Call(call)));
    }
    log
}

/// The whole call, once the rest of its text has come.
fn resume(begun: Call, mut text: Vec<u8>, end: Duration, rest: &[u8]) -> Option<Call> {
    text.extend_from_slice(rest);
    match line::call(begun.tid, begun.start, &text)? {
        Line::Call(mut call) | Line::Open(mut call) => {
            let returned = call.outcome != Outcome::None;
            let took = end.saturating_sub(begun.start);
            call.took = call.took.or_else(|| returned.then_some(took));
            Some(call)
        }
        _ => None,
    }
}
