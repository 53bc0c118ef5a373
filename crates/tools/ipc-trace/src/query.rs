//! The calls of a trace as a table, for a test to compare columns with what it expects.

use std::time::Duration;

use clap::ValueEnum;

use crate::arrow::vectors;
use crate::object::End as ObjectEnd;
use crate::strace::{Call, End, Outcome, Value};
use crate::task::Task;
use crate::trace::Trace;

/// A line of the table: a call, a signal or an end.
#[derive(Debug, Clone)]
pub struct Row<'a> {
    /// The columns: thread, process, start, seconds that it took, name, kind and id of the object that
    /// the first argument names, outcome, result, then a column for each argument; and behind those,
    /// where strace says more of the result than its number, that, with `=` in front.
    pub columns: Vec<String>,
    /// The call, if it is one.
    pub call: Option<&'a Call>,
    when: Duration,
}

/// All that the programs under test did, in the order in which it began; without what started them.
///
/// No column but a string's own begins with a quotation mark. In a string all but letters, digits and
/// `._/-` is percent-encoded, so a string never holds a tab, a blank, a bracket, a comma or `=`.
pub fn rows(trace: &Trace) -> Vec<Row<'_>> {
    let mut rows: Vec<Row> = Vec::new();
    for task in trace.tasks.values() {
        rows.extend(task.played().iter().map(|call| of_call(trace, task, call)));
        let signals = task.signals.iter().filter(|signal| task.plays(signal.when));
        rows.extend(signals.map(|signal| {
            let sender = signal.sender.map(|pid| pid.to_string());
            let details = [signal.code.clone(), sender].map(|detail| detail.unwrap_or("-".into()));
            event(task, signal.when, "+signal", symbol(&signal.name), &details)
        }));
        let stops = task.stops.iter().filter(|(when, _)| task.plays(*when));
        rows.extend(
            stops.map(|(when, signal)| event(task, *when, "+stopped", symbol(signal), &[])),
        );
        let end = task.end.iter().filter(|(when, _)| task.plays(*when));
        rows.extend(end.map(|(when, end)| match end {
            End::Exited(status) => event(task, *when, "+exit", status.to_string(), &[]),
            End::Killed(signal) => event(task, *when, "+killed", symbol(signal), &[]),
        }));
    }
    rows.sort_by_key(|row| row.when);
    rows
}

impl Row<'_> {
    /// Whether its data, a string or the pieces of a vector together, contains these bytes.
    pub fn contains(&self, bytes: &[u8]) -> bool {
        let holds = |data: &[u8]| data.windows(bytes.len().max(1)).any(|part| part == bytes);
        let arguments = self.call.map_or(&[][..], |call| &call.arguments);
        arguments.iter().any(|argument| {
            let mut strings = argument.all().into_iter().map(Value::bytes);
            strings.any(holds) || holds(&vectors(Some(argument)))
        })
    }
}

fn of_call<'a>(trace: &Trace, task: &Task, call: &'a Call) -> Row<'a> {
    let object = object_of(trace, call).map(|end| end.object);
    let kind = object
        .as_ref()
        .and_then(|object| object.kind.to_possible_value());
    let mut kind = kind.map_or("-".into(), |kind| kind.get_name().to_owned());
    let mut id = object.map_or("-".into(), |object| encoded(object.name.as_bytes()));
    if let Some(pid) = waited_for(call).and_then(|inner| trace.child_of_process(task.pid, inner)) {
        (kind, id) = ("process".into(), pid.to_string());
    }
    let (outcome, result) = match &call.outcome {
        Outcome::Returned(value, _) => ("returned", value.to_string()),
        Outcome::Failed(errno) => ("failed", symbol(errno)),
        Outcome::None => ("none", "-".into()),
    };
    let took = call.took.map_or("-".into(), seconds);
    let (tid, pid) = (task.tid.to_string(), task.pid.to_string());
    let name = call.name.clone();
    let start = seconds(call.start);
    let mut columns = vec![
        tid,
        pid,
        start,
        took,
        name,
        kind,
        id,
        outcome.into(),
        result,
    ];
    columns.extend(call.arguments.iter().map(cell));
    // The descriptor itself is the result.
    let more = call.returned().filter(|value| value.descriptor().is_none());
    columns.extend(more.map(|value| format!("={}", cell(value))));
    Row {
        columns,
        call: Some(call),
        when: call.start,
    }
}

/// The child whose end wait4(2) or waitid(2) has told, by the id that the program was given.
fn waited_for(call: &Call) -> Option<u32> {
    let pid = match call.name.as_str() {
        "wait4" => call.value()?,
        "waitid" if call.value().is_some() => call.argument(2)?.field("si_pid")?.int()?,
        _ => return None,
    };
    u32::try_from(pid).ok().filter(|pid| *pid > 0)
}

/// What the first argument names: for poll(2) the descriptor that it told of, or else the first one.
fn object_of(trace: &Trace, call: &Call) -> Option<ObjectEnd> {
    if !matches!(call.name.as_str(), "poll" | "ppoll") {
        return trace.end(call);
    }
    let polled = call.argument(0).map_or(Vec::new(), Value::items);
    let number = |one: &Value| match one.field("fd")? {
        Value::Fd(descriptor) => descriptor.number.map(i64::from),
        other => other.int(),
    };
    let told = call.returned().map_or(Vec::new(), Value::items);
    let told = told.first().and_then(|one| number(one));
    let is_told = |one: &&&Value| told.is_some() && number(one) == told;
    let one = polled.iter().find(is_told).or(polled.first())?;
    trace.behind(one.field("fd")?)
}

fn event<'a>(task: &Task, when: Duration, name: &str, what: String, more: &[String]) -> Row<'a> {
    let none = || "-".to_owned();
    let (tid, pid) = (task.tid.to_string(), task.pid.to_string());
    let (start, name, outcome) = (seconds(when), name.to_owned(), "none".to_owned());
    let mut columns = vec![tid, pid, start, none(), name, none(), none(), outcome, what];
    columns.extend(more.iter().cloned());
    Row {
        columns,
        call: None,
        when,
    }
}

fn seconds(time: Duration) -> String {
    format!("{}.{:06}", time.as_secs(), time.subsec_micros())
}

/// An argument as a column.
fn cell(value: &Value) -> String {
    let joined = |values: &[Value]| values.iter().map(cell).collect::<Vec<_>>().join(",");
    match value {
        Value::Int(..) => value.to_string(),
        Value::Str(text) => {
            let mark = if text.unnamed { "@" } else { "" };
            let cut = if text.cut { "..." } else { "" };
            format!("{mark}\"{}\"{cut}", encoded(&text.bytes))
        }
        Value::Fd(descriptor) => descriptor.name(),
        Value::Struct(members) => {
            let member = |(name, value): &(Option<String>, Value)| match name {
                Some(name) => format!("{}={}", symbol(name), cell(value)),
                None => cell(value),
            };
            format!(
                "{{{}}}",
                members.iter().map(member).collect::<Vec<_>>().join(",")
            )
        }
        Value::List(items) => format!("[{}]", joined(items)),
        Value::Flags(symbols) => {
            let symbols: Vec<_> = symbols.iter().map(|one| symbol(one)).collect();
            symbols.join("|")
        }
        Value::Of(name, items) => format!("{}({})", symbol(name), joined(items)),
        Value::Changed(before, after) => format!("{}=>{}", cell(before), cell(after)),
        Value::Named(name, value) => format!("{}={}", symbol(name), cell(value)),
        Value::Raw(text) => format!("?{}", encoded(text.as_bytes())),
    }
}

/// A word that strace wrote, which no program chose.
fn symbol(word: &str) -> String {
    encoded(word.as_bytes())
}

/// Percent-encoded, but for letters, digits and `._/-`.
fn encoded(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'/' | b'-' => {
                text.push(char::from(*byte));
            }
            other => text += &format!("%{other:02X}"),
        }
    }
    text
}
