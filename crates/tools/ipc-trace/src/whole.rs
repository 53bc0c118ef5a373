//! Whether logs can be evidence: nothing of them is missing. And what the kernel forbade.

use std::collections::BTreeSet;

use crate::stage::first_of;
use crate::strace::{Call, End};
use crate::task::Task;
use crate::trace::Trace;

impl Trace {
    /// What of the logs is missing or cut, in words; empty if they are whole.
    ///
    /// A log is whole if each line can be read, if each child that a call made has a log, and if each
    /// thread has ended or is in a call that has not returned. So the log of a program that still runs
    /// is whole while it is blocked, and so is that of an strace which was killed meanwhile.
    pub fn missing(&self) -> Vec<String> {
        let mut missing = self.lost.clone();
        let logs: BTreeSet<&str> = self.tasks.values().map(|task| task.log.as_str()).collect();
        for log in logs {
            let first = first_of(&self.tasks, log).and_then(|tid| self.tasks[&tid].calls.first());
            if first.is_none_or(|call| call.name != "execve") {
                missing.push(format!("{log} does not begin with the start of a program"));
            }
        }
        for task in self.tasks.values() {
            let (tid, log) = (task.tid, &task.log);
            if task.end.is_none() && !task.open {
                missing.push(format!("{log} does not say how thread {tid} ended"));
            }
        }
        missing
    }

    /// The tasks that a filter of seccomp(2) has killed (SIGSYS), one for each process, and the call
    /// that was not allowed.
    pub fn forbidden(&self) -> Vec<(&Task, Option<&Call>)> {
        let by_filter = |task: &&Task| {
            let killed = matches!(&task.end, Some((_, End::Killed(signal))) if signal == "SIGSYS");
            let last = task.calls.last().map(|call| call.start);
            // A signal that another process has sent arrives before it kills.
            let sent = task.signals.iter().any(|signal| {
                let sent = signal
                    .code
                    .as_deref()
                    .is_some_and(|code| code != "SYS_SECCOMP");
                signal.name == "SIGSYS" && sent && last.is_none_or(|last| signal.when >= last)
            });
            killed && !sent
        };
        let mut found: Vec<(&Task, Option<&Call>)> = Vec::new();
        let mut seen = BTreeSet::new();
        for task in self.tasks.values().filter(by_filter) {
            if !seen.insert(task.pid) {
                continue;
            }
            // All threads of the process die of it; in their own calls, which are unfinished.
            let threads = self
                .tasks
                .values()
                .filter(by_filter)
                .filter(|one| one.pid == task.pid);
            let last = threads.filter_map(|thread| Some((thread, thread.calls.last()?)));
            let guilty = last.max_by_key(|(_, call)| (!call.unfinished, call.start));
            match guilty {
                Some((thread, call)) => found.push((thread, Some(call))),
                None => found.push((task, None)),
            }
        }
        found
    }
}
