//! What is to be drawn: a lane for each process, and what happened in it, in order.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::arrow::{Arrow, CallId, Why};
use crate::describe;
use crate::object::{Kind, Object};
use crate::strace::{Call, End};
use crate::task::{self, Task};
use crate::trace::Trace;

/// From here on a call counts as blocked even if nobody is seen to wake it.
pub(crate) const BLOCKED: Duration = Duration::from_millis(10);

/// Programs that set the stage and play no part.
pub(crate) const STAGE: [&str; 9] = [
    "duet", "bash", "sh", "dash", "env", "setpriv", "prlimit", "nsenter", "strace",
];

/// A process, or a thread that talks to others.
#[derive(Debug, Clone)]
pub struct Lane {
    /// Its thread id.
    pub tid: u32,
    /// What stands above it: the program, and the pid.
    pub label: String,
    /// Where it is drawn, from the left; lanes that do not overlap in time share a column.
    pub column: usize,
}

/// What an event does to its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The lane begins.
    Born,
    /// It happens, and the lane goes on.
    Once,
    /// The call sleeps from here on.
    Sleeps,
    /// The sleep is over.
    Wakes,
    /// The lane ends.
    Ends,
}

/// A row of the picture.
#[derive(Debug, Clone)]
pub struct Event {
    /// When, since the first event.
    pub time: Duration,
    /// Where: an index of [`Picture::lanes`].
    pub lane: usize,
    /// What it does to the lane.
    pub phase: Phase,
    /// What to say.
    pub text: String,
    /// What brought it about: the indices of those events, and how.
    pub causes: Vec<(usize, Why)>,
    /// The bytes that came over, in words, if any did.
    pub brought: Option<String>,
}

/// Lanes and events, ready to be drawn.
#[derive(Debug, Default)]
pub struct Picture {
    /// In the order in which they begin.
    pub lanes: Vec<Lane>,
    /// From top to bottom.
    pub events: Vec<Event>,
    /// How many columns there are.
    pub columns: usize,
    /// Where [`Picture::shorten`] has left out events: before which one, and how many.
    pub gap: Option<(usize, usize)>,
}

impl Picture {
    /// Ends before the first event that says `text`; returns how many are left out.
    pub fn until(&mut self, text: &str) -> usize {
        let all = self.events.len();
        let said = |event: &Event| event.text.contains(text);
        let kept = self.events.iter().position(said).unwrap_or(all);
        self.events.truncate(kept);
        for event in &mut self.events {
            event.causes.retain(|(tail, _)| *tail < kept);
        }
        // Lanes are in the order in which they begin: the last ones have not begun.
        let lanes = self.events.iter().map(|event| event.lane + 1).max();
        self.lanes.truncate(lanes.unwrap_or(0));
        let columns = self.lanes.iter().map(|lane| lane.column + 1).max();
        self.columns = columns.unwrap_or(0);
        all - kept
    }

    /// Leaves out the middle of a picture with more than `rows` events; returns how many.
    pub fn shorten(&mut self, rows: usize) -> usize {
        let Some(out) = self.events.len().checked_sub(rows).filter(|out| *out > 0) else {
            return 0;
        };
        let head = rows - rows / 4;
        // The lanes need their beginnings and their ends, wherever those are.
        let middle = head..head + out;
        let (mut left_out, mut place) = (0, Vec::with_capacity(self.events.len()));
        let mut kept = Vec::new();
        for (index, event) in std::mem::take(&mut self.events).into_iter().enumerate() {
            let stays = matches!(event.phase, Phase::Born | Phase::Ends);
            if middle.contains(&index) && !stays {
                self.gap.get_or_insert((kept.len(), 0)).1 += 1;
                left_out += 1;
                place.push(None);
            } else {
                place.push(Some(kept.len()));
                kept.push(event);
            }
        }
        for event in &mut kept {
            let causes = event.causes.iter();
            event.causes = causes
                .filter_map(|(tail, why)| Some((place[*tail]?, *why)))
                .collect();
        }
        self.events = kept;
        left_out
    }
}

/// An event that does not know yet what brought it about.
struct Draft<'a> {
    time: Duration,
    tid: u32,
    phase: Phase,
    text: String,
    causes: Vec<&'a Arrow>,
    /// The calls whose beginning this is: arrows start here.
    begins: Vec<CallId>,
}

impl Picture {
    /// Chooses what of a trace to draw; with `all` also shells, and calls that only start a program.
    pub fn new(trace: &Trace, arrows: &[Arrow], all: bool) -> Self {
        let mut heads: HashMap<CallId, Vec<&Arrow>> = HashMap::new();
        for arrow in arrows {
            if let Some(call) = arrow.to {
                heads.entry(call).or_default().push(arrow);
            }
        }
        let tails: HashSet<CallId> = arrows.iter().filter_map(|it| it.from).collect();
        let mut drafts: Vec<Draft> = Vec::new();
        for task in trace.tasks.values() {
            drafts.extend(drafts_of(trace, task, arrows, &heads, &tails, all));
        }
        // A lane begins before all that happens in it, but after the fork that makes it.
        drafts.sort_by_key(|draft| match (draft.phase, draft.causes.len()) {
            (Phase::Born, 0) => (draft.time, 0),
            (_, 0) => (draft.time, 1),
            _ => (draft.time, 2),
        });
        let drafts = folded(drafts);

        let (lanes, columns) = lanes(trace, arrows, &drafts);
        let place: HashMap<u32, usize> = (lanes.iter().enumerate())
            .map(|(number, lane)| (lane.tid, number))
            .collect();
        let begins: HashMap<CallId, usize> = (drafts.iter().enumerate())
            .flat_map(|(index, draft)| draft.begins.iter().map(move |call| (*call, index)))
            .collect();
        let last_of: HashMap<u32, usize> = (drafts.iter().enumerate())
            .filter(|(_, draft)| draft.phase == Phase::Ends)
            .map(|(index, draft)| (draft.tid, index))
            .collect();
        let zero = drafts.first().map_or(Duration::ZERO, |draft| draft.time);
        let events = (drafts.iter())
            .map(|draft| {
                let tail = |arrow: &&Arrow| {
                    let tail = match arrow.from {
                        Some(call) => begins.get(&call),
                        None => last_of.get(&arrow.tail.0),
                    };
                    Some((*tail?, arrow.why))
                };
                let data = draft.causes.iter().filter(|it| it.why == Why::Data);
                let data = data
                    .map(|it| it.data.as_slice())
                    .collect::<Vec<_>>()
                    .concat();
                Event {
                    time: draft.time.saturating_sub(zero),
                    lane: place[&draft.tid],
                    phase: draft.phase,
                    text: draft.text.clone(),
                    causes: draft.causes.iter().filter_map(tail).collect(),
                    brought: (!data.is_empty()).then(|| describe::shown(&data)),
                }
            })
            .collect();
        Self {
            lanes,
            events,
            columns,
            gap: None,
        }
    }
}

/// The lanes, and the column that each gets: the first one whose lanes have all ended, and have
/// nothing to do with it.
fn lanes(trace: &Trace, arrows: &[Arrow], drafts: &[Draft]) -> (Vec<Lane>, usize) {
    let mut lanes: Vec<Lane> = Vec::new();
    let mut ended = HashSet::new();
    let mut columns: Vec<Vec<u32>> = Vec::new();
    let joined: HashSet<_> = arrows.iter().map(|it| (it.tail.0, it.head.0)).collect();
    let mut used: HashMap<u32, HashSet<Object>> = HashMap::new();
    for draft in drafts.iter().filter(|draft| draft.phase == Phase::Born) {
        let calls = trace.tasks[&draft.tid].calls.iter();
        let objects = calls.filter_map(|call| trace.object(call));
        let shared = objects.filter(|object| object.kind != Kind::File);
        used.insert(draft.tid, shared.collect());
    }
    for draft in drafts {
        let tid = draft.tid;
        if draft.phase == Phase::Ends {
            ended.insert(tid);
        }
        if draft.phase != Phase::Born {
            continue;
        }
        let room = |lane: &u32| {
            let strangers = root(trace, tid) != root(trace, *lane);
            let share = strangers && !used[&tid].is_disjoint(&used[lane]);
            ended.contains(lane) && !joined.contains(&(*lane, tid)) && !share
        };
        let free = columns.iter().position(|lanes| lanes.iter().all(room));
        let column = free.unwrap_or(columns.len());
        columns.resize(columns.len().max(column + 1), Vec::new());
        columns[column].push(tid);
        let label = label(&trace.tasks[&tid]);
        lanes.push(Lane { tid, label, column });
    }
    (lanes, columns.len())
}

/// Puts what is said three times and more, one after the other in the same lane, into two rows.
fn folded(drafts: Vec<Draft>) -> Vec<Draft> {
    let mut rows: Vec<Draft> = Vec::new();
    let mut more = 0;
    for mut draft in drafts {
        let repeats = |last: &Draft| {
            last.tid == draft.tid
                && last.phase == Phase::Once
                && draft.phase == Phase::Once
                && draft.causes.is_empty()
        };
        let said =
            |row: Option<&Draft>, text: &str| row.is_some_and(|it| repeats(it) && it.text == text);
        match rows.len() {
            _ if more > 0
                && said(rows.iter().rev().nth(1), &draft.text)
                && rows.last().is_some_and(repeats) =>
            {
                more += 1;
                if let Some(last) = rows.last_mut() {
                    last.text = format!("… and {more} more like it");
                    last.time = draft.time;
                    last.begins.append(&mut draft.begins);
                }
            }
            _ if said(rows.last(), &draft.text) => {
                more = 1;
                rows.push(draft);
            }
            _ => {
                more = 0;
                rows.push(draft);
            }
        }
    }
    rows
}

fn label(task: &Task) -> String {
    let kind = if task.pid == task.tid { "" } else { "thread " };
    format!("{} {kind}{}", task.program(), task.tid)
}

/// Whether a task is nothing but stage at that moment.
pub(crate) fn is_stage(task: &Task, when: Duration) -> bool {
    STAGE.contains(&task::name(task.command_at(when)))
}

/// The process that a task descends from, up to what set the stage.
fn root(trace: &Trace, tid: u32) -> u32 {
    let parent = trace.tasks[&tid].parent.filter(|(parent, when)| {
        let parent = trace.tasks.get(parent);
        parent.is_some_and(|it| !is_stage(it, *when))
    });
    parent.map_or(tid, |(parent, _)| root(trace, parent))
}

fn drafts_of<'a>(
    trace: &'a Trace,
    task: &'a Task,
    arrows: &'a [Arrow],
    heads: &HashMap<CallId, Vec<&'a Arrow>>,
    tails: &HashSet<CallId>,
    all: bool,
) -> Vec<Draft<'a>> {
    let hidden = |when| !all && is_stage(task, when);
    if hidden(Duration::MAX) {
        return Vec::new();
    }
    let draft = |time, phase, text: String| Draft {
        time,
        tid: task.tid,
        phase,
        text,
        causes: Vec::new(),
        begins: Vec::new(),
    };
    let mut drafts = Vec::new();
    for (index, call) in task.calls.iter().enumerate() {
        let id = (task.tid, index);
        let causes = heads.get(&id).cloned().unwrap_or_default();
        // The very exec that ends the stage is named by the lane's label already.
        let staged = hidden(call.start);
        if staged || !(all || describe::tells(trace, call)) {
            continue;
        }
        let is_data = !causes.is_empty() || tails.contains(&id);
        let text = match describe::printed(call) {
            Some(prints) if !is_data => prints,
            _ => describe::asked(trace, call),
        };
        let sleeps = describe::sleeps(trace, call);
        drafts.extend(rows(call, sleeps, id, causes, &text, &draft));
    }
    // A thread that says nothing to anybody has no lane.
    if drafts.is_empty() && task.pid != task.tid {
        return drafts;
    }
    for signal in &task.signals {
        let (when, signal) = (&signal.when, &signal.name);
        let sent = (arrows.iter()).find(|it| it.why == Why::Signal && it.head == (task.tid, *when));
        // Each end of a child is a SIGCHLD; waitpid tells of it.
        if (signal != "SIGCHLD" || sent.is_some()) && !hidden(*when) {
            drafts.push(Draft {
                causes: sent.into_iter().collect(),
                ..draft(*when, Phase::Once, format!("{signal} arrives"))
            });
        }
    }
    if let Some((when, end)) = &task.end {
        let text = match end {
            _ if task.pid != task.tid => "ends".to_owned(),
            End::Exited(status) => format!("exits with {status}"),
            End::Killed(signal) => format!("is killed by {signal}"),
        };
        drafts.push(draft(*when, Phase::Ends, text));
    }
    let first = drafts.iter().map(|draft| draft.time).min();
    let born = task.parent.filter(|(parent, when)| {
        task.pid == task.tid && !hidden(*when) && trace.tasks.contains_key(parent)
    });
    if let Some(begin) = born.map(|it| it.1).or(first) {
        let birth = (arrows.iter()).find(|it| it.why == Why::Birth && it.head.0 == task.tid);
        drafts.push(Draft {
            causes: birth.filter(|_| born.is_some()).into_iter().collect(),
            ..draft(begin, Phase::Born, label(task))
        });
    }
    drafts
}

/// One row for a call, or two where it slept. One that never `sleeps` may take long too: when its
/// processor is taken away.
fn rows<'a>(
    call: &'a Call,
    sleeps: bool,
    id: CallId,
    causes: Vec<&'a Arrow>,
    asked: &str,
    draft: &impl Fn(Duration, Phase, String) -> Draft<'a>,
) -> Vec<Draft<'a>> {
    let prints = asked.starts_with("prints ");
    let came = if prints {
        String::new()
    } else {
        describe::came(call)
    };
    let whole = format!("{asked} {came}").trim_end().to_owned();
    // What never returns is blocked where the log ends.
    let Some(took) = call.took else {
        let phase = if call.name.starts_with("exit") {
            Phase::Once
        } else {
            Phase::Sleeps
        };
        let begins = vec![id];
        return vec![Draft {
            begins,
            ..draft(call.start, phase, asked.to_owned())
        }];
    };
    // Not before what has brought it about.
    let heads = causes.iter().map(|arrow| arrow.head.1);
    let end = heads.fold(call.end(), Duration::max);
    let woken = causes.iter().any(|arrow| arrow.tail.1 > call.start);
    let slept = took >= BLOCKED && !prints && sleeps;
    if !(woken || slept) {
        // Placed where it begins if others act upon it, where it ends if it acts upon others' deeds.
        let time = if !causes.is_empty() { end } else { call.start };
        let begins = vec![id];
        return vec![Draft {
            causes,
            begins,
            ..draft(time, Phase::Once, whole)
        }];
    }
    let milliseconds = took.as_secs_f64() * 1e3;
    let name = asked.split('(').next().unwrap_or(asked);
    let text = format!("{name} {came} after {milliseconds:.1} ms").replace("  ", " ");
    vec![
        Draft {
            begins: vec![id],
            ..draft(call.start, Phase::Sleeps, asked.to_owned())
        },
        Draft {
            causes,
            ..draft(end, Phase::Wakes, text)
        },
    ]
}
