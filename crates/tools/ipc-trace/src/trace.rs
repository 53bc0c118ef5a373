//! What the logs of strace(1) tell, put together: processes, their calls, what each worked on.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};

use crate::births::{Birth, outer_ids};
use crate::ends::inode;
use crate::fifos::fifos;
use crate::object::shown_path;
use crate::peers::peers;
use crate::picture::is_stage;
use crate::stage;
use crate::strace::{self, Behind, Call, Record, Value};
use crate::task::Task;

/// How many bytes of logs are read: in memory they take many times as much.
const LARGEST: usize = 48 << 20;

/// All that was traced.
#[derive(Debug, Default)]
pub struct Trace {
    /// By thread id.
    pub tasks: BTreeMap<u32, Task>,
    /// How many lines could not be read: cut ones, or another notation.
    pub unreadable: usize,
    /// What makes a log less than whole, see [`Trace::missing`]: a sentence each, without a full stop.
    pub(crate) lost: Vec<String>,
    /// What a task calls its child, and the child's id in the logs: see [`outer_ids`].
    inner: HashMap<(u32, u32), u32>,
    pub(crate) fifos: HashSet<String>,
    /// The inodes of sockets with an address, or a connection.
    sockets: HashSet<String>,
    /// What stands behind the sockets of connections that strace does not know: see [`peers`].
    pub(crate) peers: HashMap<String, Behind>,
    /// The working directory of the first process that named a path, with a slash at the end.
    pub(crate) folder: String,
}

impl Trace {
    /// Reads logs: of each prefix `P` the file `P` itself and, from `strace -ff`, `P.TID`.
    ///
    /// # Errors
    /// When there is no such file, or it cannot be read.
    pub fn read(prefixes: &[PathBuf]) -> anyhow::Result<Self> {
        let mut trace = Self::default();
        let mut size = 0;
        for prefix in prefixes {
            let files = files(prefix)?;
            ensure!(
                !files.is_empty(),
                "{}: no log of strace is there",
                prefix.display()
            );
            let name = prefix.file_name().unwrap_or_default().to_string_lossy();
            for (path, tid) in files {
                let text = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
                size += text.len();
                ensure!(
                    size <= LARGEST,
                    "{}: the logs have more than {LARGEST} bytes",
                    prefix.display()
                );
                trace.add_bytes(&text, tid, &name);
            }
        }
        trace.connect();
        Ok(trace)
    }

    /// Takes in the text of one log; `tid` is whose it is, unless the lines say so. Follow the last
    /// one with [`Trace::connect`].
    pub fn add(&mut self, text: &str, tid: u32, log: &str) {
        self.add_bytes(text.as_bytes(), tid, log);
    }

    fn add_bytes(&mut self, text: &[u8], tid: u32, log: &str) {
        let read = strace::read(text, tid);
        self.unreadable += read.unreadable;
        if read.unreadable + read.cut > 0 {
            let count = read.unreadable + read.cut;
            let first = String::from_utf8_lossy(read.first_bad.as_deref().unwrap_or_default());
            let first: String = first.escape_debug().take(120).collect();
            self.lost.push(format!(
                "{count} lines of {log}.{tid} cannot be read, such as {first:?}"
            ));
        }
        let empty = read.records.is_empty();
        for (tid, record) in read.records {
            let task = self.task(tid, log);
            match record {
                Record::Call(call) => task.calls.push(call),
                Record::Signal(signal) => task.signals.push(signal),
                Record::Stopped(when, signal) => task.stops.push((when, signal)),
                Record::End(when, end) => task.end = Some((when, end)),
            }
        }
        for tid in read.open {
            self.task(tid, log).open = true;
        }
        // Also where nothing could be read: the file was there.
        if empty && tid > 0 {
            self.task(tid, log);
        }
    }

    fn task(&mut self, tid: u32, log: &str) -> &mut Task {
        self.tasks.entry(tid).or_insert_with(|| Task {
            tid,
            pid: tid,
            log: log.into(),
            ..Task::default()
        })
    }

    /// Finds out who is whose child, what each runs, and which paths are FIFOs.
    pub fn connect(&mut self) {
        let mut births = Vec::new();
        for task in self.tasks.values_mut() {
            task.calls.sort_by_key(|call| call.start);
            for call in &task.calls {
                let child = call.value().and_then(|child| u32::try_from(child).ok());
                // In the child, clone returns 0.
                if let Some(inner) = child.filter(|child| is_birth(&call.name) && *child > 0) {
                    births.push(Birth {
                        inner,
                        parent: task.tid,
                        when: call.start,
                        is_thread: call.has("CLONE_THREAD"),
                        log: task.log.clone(),
                    });
                }
                if call.name.starts_with("execve") && call.value() == Some(0) {
                    task.execs.push((call.end(), words(call)));
                }
            }
        }
        // Parents before their children, so that a command is handed down.
        births.sort_by_key(|birth| birth.when);
        self.inner = outer_ids(&self.tasks, &births);
        for birth in births {
            let (parent, inner, when) = (birth.parent, birth.inner, birth.when);
            let Some((pid, command)) =
                (self.tasks.get(&parent)).map(|task| (task.pid, task.command_at(when).to_vec()))
            else {
                continue;
            };
            let child = self.inner.get(&(parent, inner));
            let child = child.and_then(|child| self.tasks.get_mut(child));
            let Some(child) = child else {
                let log = birth.log;
                self.lost.push(format!(
                    "{log}.{inner}, the log of a child of {parent}, is missing"
                ));
                continue;
            };
            child.parent = Some((parent, when));
            if birth.is_thread {
                child.pid = pid;
            }
            child.execs.insert(0, (Duration::ZERO, command));
        }
        stage::mark(&mut self.tasks);
        let calls = self.tasks.values().flat_map(|task| &task.calls);
        let used = |call: &&Call| {
            matches!(call.name.as_str(), "bind" | "connect") && call.value().is_some()
        };
        self.sockets = calls.filter(used).filter_map(inode).collect();
        self.peers = peers(self.tasks.values().flat_map(|task| &task.calls));
        self.sockets.extend(self.peers.keys().cloned());
        let mut calls = self.tasks.values().flat_map(|task| &task.calls);
        let here = |call: &Call| {
            let descriptor = call.argument(0)?.descriptor()?;
            let path = descriptor.path().filter(|_| descriptor.number.is_none())?;
            Some(format!("{}/", shown_path(path)))
        };
        self.folder = calls.find_map(here).unwrap_or_default();
        let calls = self.tasks.values().flat_map(|task| &task.calls);
        self.fifos = fifos(calls, &self.folder);
    }

    /// Whether a call works on a socket that nothing ever came of, like that to a name service
    /// which is not there.
    pub(crate) fn is_idle_socket(&self, call: &Call) -> bool {
        inode(call).is_some_and(|inode| !self.sockets.contains(&inode))
    }

    /// Whether a path is that folder itself.
    pub(crate) fn is_folder(&self, path: &str) -> bool {
        self.folder.strip_suffix('/') == Some(path)
    }

    /// Text without the folder in which all happened, so that `/tmp/x/fifo` is `fifo`.
    pub(crate) fn relative(&self, text: &str) -> String {
        match self.folder.as_str() {
            "" | "/" => text.to_owned(),
            folder => text.replace(folder, ""),
        }
    }

    /// Whether a task only set the stage at that moment: a shell, a tracer, what enters a box.
    pub fn is_stage(&self, tid: u32, when: Duration) -> bool {
        self.tasks
            .get(&tid)
            .is_some_and(|task| is_stage(task, when))
    }

    /// The processes that were there still when the log ended, without those that set the stage.
    pub fn alive(&self) -> Vec<u32> {
        let alive = self.tasks.values().filter(|task| {
            task.end.is_none() && task.pid == task.tid && !is_stage(task, Duration::MAX)
        });
        alive.map(|task| task.pid).collect()
    }

    /// Names a process that ran already when the trace began, so that no execve told what it runs.
    pub fn name(&mut self, pid: u32, program: &str) {
        let named = self.tasks.values_mut().filter(|task| task.pid == pid);
        for task in named.filter(|task| task.command().is_empty()) {
            task.execs
                .insert(0, (Duration::ZERO, vec![program.to_owned()]));
        }
    }

    /// The task that a call of `parent` means by a child's pid.
    pub(crate) fn child(&self, parent: u32, pid: u32) -> Option<&Task> {
        let outer = self.inner.get(&(parent, pid)).unwrap_or(&pid);
        self.tasks.get(outer)
    }

    /// The id in the logs of the child that a process calls `inner`, whichever of its threads made it.
    pub(crate) fn child_of_process(&self, pid: u32, inner: u32) -> Option<u32> {
        let mut births = self.inner.iter();
        let is_it = |((parent, id), _): &(&(u32, u32), &u32)| {
            *id == inner && self.tasks.get(parent).is_some_and(|task| task.pid == pid)
        };
        births.find(is_it).map(|(_, outer)| *outer)
    }

    /// All calls, in the order in which they began.
    pub fn calls(&self) -> Vec<&Call> {
        let mut calls: Vec<_> = self.tasks.values().flat_map(|task| &task.calls).collect();
        calls.sort_by_key(|call| call.start);
        calls
    }

    /// The call that a thread had not finished when the log ended.
    pub fn unfinished(&self, tid: u32) -> Option<&Call> {
        let task = self.tasks.get(&tid)?;
        let last = task.calls.last()?;
        let never_returns = matches!(last.name.as_str(), "exit_group" | "exit" | "rt_sigreturn");
        (last.took.is_none() && !never_returns).then_some(last)
    }
}

/// The words that execve gave to a program.
fn words(call: &Call) -> Vec<String> {
    let place = if call.name == "execveat" { 2 } else { 1 };
    let words = call.argument(place).map_or(Vec::new(), Value::items);
    let words = words.into_iter().filter_map(Value::text);
    words.map(|word| shown_path(&word.bytes)).collect()
}

/// Whether a call makes a process or a thread.
pub(crate) fn is_birth(name: &str) -> bool {
    matches!(name, "fork" | "vfork" | "clone" | "clone3")
}

/// The log files of a prefix, each with the thread id in its name (0 if it has none).
fn files(prefix: &Path) -> anyhow::Result<Vec<(PathBuf, u32)>> {
    let mut found = Vec::new();
    if prefix.is_file() {
        found.push((prefix.into(), 0));
    }
    let folder = match prefix.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let name = prefix.file_name().unwrap_or_default().to_string_lossy();
    let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("read {}", folder.display()))?;
        let file = entry.file_name();
        let tid = (file.to_string_lossy().strip_prefix(&*name))
            .and_then(|rest| rest.strip_prefix('.')?.parse().ok());
        if let Some(tid) = tid {
            found.push((entry.path(), tid));
        }
    }
    found.sort();
    Ok(found)
}
