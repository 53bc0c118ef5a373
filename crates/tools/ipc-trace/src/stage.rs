//! What started the program under test, and is no part of it.
//!
//! strace begins its log with its own exec of the program. In the grader that is the launcher,
//! `ipc-grade enter …`, which forks one child; the child makes its set-up calls and then execs the
//! program of the student. The structure tells which calls those are, and no program's name alone:
//! a student's program may be called what it likes.

use std::collections::{BTreeMap, BTreeSet};

use crate::strace::{Call, Value};
use crate::task::Task;

/// Notes in each task how many of its first calls belong to the stage.
pub(crate) fn mark(tasks: &mut BTreeMap<u32, Task>) {
    let logs: BTreeSet<String> = tasks.values().map(|task| task.log.clone()).collect();
    for log in logs {
        let Some(first) = first_of(tasks, &log) else {
            continue;
        };
        let Some(exec) = tasks[&first]
            .calls
            .first()
            .filter(|call| call.name == "execve")
        else {
            continue; // strace -p: it ran already
        };
        if !is_launcher(exec) {
            tasks.entry(first).and_modify(|task| task.staged = 1);
            continue;
        }
        tasks
            .entry(first)
            .and_modify(|task| task.staged = usize::MAX);
        let born_of = |task: &Task| task.parent.filter(|(parent, _)| *parent == first);
        let children = tasks
            .values()
            .filter_map(|task| Some((born_of(task)?.1, task.tid)));
        if let Some((_, child)) = children.min() {
            tasks.entry(child).and_modify(|task| {
                let execs =
                    |call: &Call| call.name.starts_with("execve") && call.value() == Some(0);
                let exec = task.calls.iter().position(execs);
                task.staged = exec.map_or(usize::MAX, |place| place + 1);
            });
        }
    }
}

/// The task with which a log begins.
pub(crate) fn first_of(tasks: &BTreeMap<u32, Task>, log: &str) -> Option<u32> {
    let roots = tasks
        .values()
        .filter(|task| task.log == log && task.parent.is_none());
    let begun = roots.filter_map(|task| Some((task.calls.first()?.start, task.tid)));
    begun.min().map(|(_, tid)| tid)
}

/// `execve("/…/ipc-grade", ["ipc-grade", "enter", …], …)`.
fn is_launcher(exec: &Call) -> bool {
    let path = exec.argument(0).map_or(&b""[..], Value::bytes);
    let words = exec.argument(1).map_or(Vec::new(), Value::items);
    let program = path.rsplit(|byte| *byte == b'/').next();
    program == Some(b"ipc-grade") && words.get(1).is_some_and(|word| word.bytes() == b"enter")
}
