//! One line of strace(1)'s log: `-ttt -T -yy`, with or without a pid in front.

use std::time::Duration;

use crate::text;

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
    /// Its arguments in strace's notation; the last one may be missing or cut if it never returned.
    pub arguments: Vec<String>,
    /// What it returned.
    pub outcome: Outcome,
}

/// What a call returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A number, and what strace knows of it: the file behind a descriptor.
    Returned(i64, String),
    /// The name of the error: `ENXIO`.
    Failed(String),
    /// It had not returned when the log ended, or never does (exit_group).
    None,
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

    /// An argument; empty if there is none of that number.
    pub fn argument(&self, number: usize) -> &str {
        self.arguments.get(number).map_or("", String::as_str)
    }
}

/// What a line tells.
#[derive(Debug, Clone)]
pub(crate) enum Line {
    Call(Call),
    /// `read(3, <unfinished ...>`: it goes on in a later line of the same thread.
    Begun(Call),
    /// `<... read resumed>"x", 1) = 1 <0.1>`: the time, the name, the rest of the line.
    Resumed(Duration, String, String),
    /// A signal arrives: the time, its name, the sender's pid if it has one.
    Signal(Duration, String, Option<u32>),
    /// The thread has ended: when, and how.
    End(Duration, End),
    /// Stops, attachments and whatever else says nothing here.
    Nothing,
}

/// How a process or a thread has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// With this exit status.
    Exited(i32),
    /// Of this signal.
    Killed(String),
}

/// Reads one line; `None` if it is none of strace's, or cut.
///
/// `tid` is whose line it is where the line does not say so itself (`strace -ff`).
pub(crate) fn parse(line: &str, tid: u32) -> Option<(u32, Line)> {
    let (tid, line) = pid_in_front(line, tid);
    let (time, rest) = line.split_once(' ')?;
    let time = seconds(time)?;
    let rest = rest.trim();

    if let Some(signal) = rest.strip_prefix("--- ") {
        let (name, details) = signal.split_once(' ')?;
        if !name.starts_with("SIG") {
            return Some((tid, Line::Nothing)); // stopped by SIGSTOP
        }
        let sender = text::field(details, "si_pid").and_then(|pid| pid.parse().ok());
        return Some((tid, Line::Signal(time, name.into(), sender)));
    }
    if let Some(end) = rest.strip_prefix("+++ ") {
        let mut words = end.split(' ');
        let end = match (words.next()?, words.next()?, words.next()?) {
            ("exited", "with", status) => End::Exited(status.parse().ok()?),
            ("killed", "by", signal) => End::Killed(signal.into()),
            _ => return Some((tid, Line::Nothing)), // superseded by execve
        };
        return Some((tid, Line::End(time, end)));
    }
    if let Some(resumed) = rest.strip_prefix("<... ") {
        let (name, rest) = resumed.split_once(" resumed>")?;
        return Some((tid, Line::Resumed(time, name.into(), rest.into())));
    }
    call(tid, time, rest).map(|line| (tid, line))
}

/// `1234 1700000000.1 read(…` and `[pid 1234] 1700000000.1 read(…`.
fn pid_in_front(line: &str, tid: u32) -> (u32, &str) {
    let bracketed = line
        .strip_prefix("[pid ")
        .and_then(|it| it.split_once("] "));
    if let Some((pid, rest)) = bracketed {
        return (pid.trim().parse().unwrap_or(tid), rest.trim_start());
    }
    match line.split_once(' ') {
        Some((pid, rest)) if !pid.contains('.') => (pid.parse().unwrap_or(tid), rest.trim_start()),
        _ => (tid, line),
    }
}

fn seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.')?;
    let nanoseconds: String = fraction
        .chars()
        .chain("000000000".chars())
        .take(9)
        .collect();
    Some(Duration::new(
        whole.parse().ok()?,
        nanoseconds.parse().ok()?,
    ))
}

fn call(tid: u32, start: Duration, text: &str) -> Option<Line> {
    let open = text.find('(')?;
    let name = &text[..open];
    let is_name = |it: char| it.is_ascii_alphanumeric() || it == '_';
    if name.is_empty() || !name.chars().all(is_name) {
        return None;
    }
    let mut call = Call {
        tid,
        start,
        took: None,
        name: name.into(),
        arguments: Vec::new(),
        outcome: Outcome::None,
    };
    let list = &text[open..];
    // In a log of its own for each thread (-ff) nothing is resumed: the thread was killed in it.
    let Some(close) = closed(list) else {
        let shown = list[1..].split("<unfinished ...>").next().unwrap_or("");
        call.arguments = text::arguments(shown.trim_end().trim_end_matches(','));
        return Some(if text.ends_with("<unfinished ...>") {
            Line::Begun(call)
        } else {
            Line::Call(call)
        });
    };
    call.arguments = text::arguments(&list[1..close]);
    (call.outcome, call.took) = returned(&list[close + 1..]);
    Some(Line::Call(call))
}

/// Where the argument list ends, unless the call has not returned.
fn closed(list: &str) -> Option<usize> {
    let close = text::closing(list)?;
    (!list[..close].contains("<unfinished ...>")).then_some(close)
}

/// What stands behind the arguments: `= 3</tmp/fifo> <0.000123>`.
fn returned(text: &str) -> (Outcome, Option<Duration>) {
    let Some(text) = text.trim_start().strip_prefix("= ") else {
        return (Outcome::None, None);
    };
    let (text, took) = match text.rsplit_once(" <") {
        Some((text, time)) => (text, time.strip_suffix('>').and_then(seconds)),
        None => (text, None),
    };
    let (value, note) = match text.find(|it: char| it.is_whitespace() || it == '<') {
        Some(end) => (&text[..end], text[end..].trim()),
        None => (text, ""),
    };
    // With --decode-pids=pidns: a pid in a namespace, and what it is here.
    let here = note
        .strip_prefix("/* ")
        .and_then(|it| it.strip_suffix(" in strace's PID NS */"));
    let value = here.unwrap_or(value);
    let number = match value.strip_prefix("0x") {
        Some(hexadecimal) => u64::from_str_radix(hexadecimal, 16)
            .ok()
            .map(|it| it as i64),
        None => value.parse().ok(),
    };
    let outcome = match number {
        Some(-1) => Outcome::Failed(note.split(' ').next().unwrap_or("").into()),
        Some(number) => Outcome::Returned(number, note.into()),
        // `? ERESTARTSYS`: a signal came; the call is made again, in a line of its own.
        None if note.starts_with('E') => {
            Outcome::Failed(note.split(' ').next().unwrap_or("").into())
        }
        None => Outcome::None,
    };
    (outcome, took)
}

/// The whole call, once the rest of it has come.
pub(crate) fn resume(mut begun: Call, end: Duration, rest: &str) -> Call {
    // The arguments that came with the first half have no closing bracket yet.
    let list = format!("({}", rest.trim_start());
    if let Some(close) = text::closing(&list) {
        begun.arguments.extend(text::arguments(&list[1..close]));
        let took;
        (begun.outcome, took) = returned(&list[close + 1..]);
        begun.took = Some(took.unwrap_or_else(|| end.saturating_sub(begun.start)));
    }
    begun
}
