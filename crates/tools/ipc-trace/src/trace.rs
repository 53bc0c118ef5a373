//! What the logs of strace(1) tell, put together: processes, their calls, what each worked on.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};

use crate::log::{self, Call, End, Line};
use crate::object::{self, Kind, Object};
use crate::peers::{peers, socket};
use crate::picture::is_stage;
use crate::text;

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
    /// Signals that came: when, which, from whom.
    pub signals: Vec<(Duration, String, Option<u32>)>,
    /// Its calls in the order in which it made them.
    pub calls: Vec<Call>,
    /// The name of the log it was in: see [`Trace::read`].
    pub log: String,
}

impl Task {
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

/// All that was traced.
#[derive(Debug, Default)]
pub struct Trace {
    /// By thread id.
    pub tasks: BTreeMap<u32, Task>,
    /// How many lines could not be read: cut ones, or another notation.
    pub unreadable: usize,
    /// What a task calls its child in a pid namespace of theirs, and its id in the log.
    inner: HashMap<(u32, u32), u32>,
    fifos: HashSet<String>,
    /// The names of POSIX queues.
    queues: HashSet<String>,
    /// The inodes of sockets with an address, or a connection.
    sockets: HashSet<String>,
    /// What stands behind the sockets of connections that strace does not know: see [`peers`].
    peers: HashMap<String, String>,
    /// The working directory of the first process that named a path, with a slash at the end.
    folder: String,
}

impl Trace {
    /// Reads logs: of each prefix `P` the file `P` itself and, from `strace -ff`, `P.TID`.
    ///
    /// # Errors
    /// When there is no such file, or it cannot be read.
    pub fn read(prefixes: &[PathBuf]) -> anyhow::Result<Self> {
        let mut trace = Self::default();
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
                trace.add(&String::from_utf8_lossy(&text), tid, &name);
            }
        }
        trace.connect();
        Ok(trace)
    }

    /// Takes in the text of one log; `tid` is whose it is, unless the lines say so. Follow the last
    /// one with [`Trace::connect`].
    pub fn add(&mut self, text: &str, tid: u32, log: &str) {
        let mut begun: HashMap<u32, Call> = HashMap::new();
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let Some((tid, line)) = log::parse(line, tid) else {
                self.unreadable += 1;
                continue;
            };
            let task = self.tasks.entry(tid).or_insert_with(|| Task {
                tid,
                pid: tid,
                log: log.into(),
                ..Task::default()
            });
            match line {
                Line::Call(call) => task.calls.push(call),
                Line::Begun(call) => {
                    begun.insert(tid, call);
                }
                Line::Resumed(end, name, rest) => match begun.remove(&tid) {
                    Some(call) if call.name == name => {
                        task.calls.push(log::resume(call, end, &rest));
                    }
                    _ => self.unreadable += 1,
                },
                Line::Signal(when, name, sender) => task.signals.push((when, name, sender)),
                Line::End(when, end) => task.end = Some((when, end)),
                Line::Nothing => {}
            }
        }
        // What never resumed: the thread was killed in it, or is in it still.
        for (tid, call) in begun {
            if let Some(task) = self.tasks.get_mut(&tid) {
                task.calls.push(call);
            }
        }
    }

    /// Finds out who is whose child, what each runs, and which paths are FIFOs.
    pub fn connect(&mut self) {
        let mut children = Vec::new();
        for task in self.tasks.values_mut() {
            task.calls.sort_by_key(|call| call.start);
            for call in &task.calls {
                let child = call.value().and_then(|it| u32::try_from(it).ok());
                if let Some(child) = child.filter(|_| is_birth(&call.name)) {
                    let is_thread = call.arguments.iter().any(|it| it.contains("CLONE_THREAD"));
                    children.push((child, task.tid, call.start, is_thread));
                }
                if call.name == "execve" && call.value() == Some(0) {
                    let words = text::arguments(inside(call.argument(1)));
                    let words = words.iter().filter_map(|it| text::string(it));
                    let words = words.map(|it| String::from_utf8_lossy(&it.0).into_owned());
                    task.execs.push((call.end(), words.collect()));
                }
            }
        }
        // Parents before their children, so that a command is handed down.
        children.sort_by_key(|it| it.2);
        for (inner, parent, when, is_thread) in children {
            let child = self.outer(inner, parent, when);
            let Some((pid, command)) =
                (self.tasks.get(&parent)).map(|it| (it.pid, it.command_at(when).to_vec()))
            else {
                continue;
            };
            if let Some(child) = self.tasks.get_mut(&child) {
                child.parent = Some((parent, when));
                if is_thread {
                    child.pid = pid;
                }
                child.execs.insert(0, (Duration::ZERO, command));
            }
        }
        let made = |call: &&Call| {
            call.name.starts_with("mknod") && call.arguments.iter().any(|it| it.contains("S_IFIFO"))
        };
        let calls = self.tasks.values().flat_map(|task| &task.calls);
        self.fifos = calls.filter(made).filter_map(path_of).collect();
        let calls = self.tasks.values().flat_map(|task| &task.calls);
        let used =
            |it: &&Call| matches!(it.name.as_str(), "bind" | "connect") && it.value().is_some();
        self.sockets = calls.filter(used).filter_map(inode).collect();
        self.peers = peers(self.tasks.values().flat_map(|task| &task.calls));
        self.sockets.extend(self.peers.keys().cloned());
        let mut calls = self.tasks.values().flat_map(|task| &task.calls);
        let folder = calls.find_map(|it| it.argument(0).strip_prefix("AT_FDCWD<"));
        self.folder = folder.map_or(String::new(), |it| format!("{}/", it.trim_end_matches('>')));
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

    /// The id under which the log has a child. In a pid namespace fork returns another one: then it
    /// is the first task after the fork that has no parent yet.
    fn outer(&mut self, inner: u32, parent: u32, when: Duration) -> u32 {
        if self.tasks.contains_key(&inner) {
            return inner;
        }
        let log = self.tasks[&parent].log.clone();
        let orphans = self.tasks.values().filter(|task| {
            let first = task.calls.first().map(|call| call.start);
            let last = task.end.as_ref().map(|(when, _)| *when);
            let begins = first.or(last);
            task.log == log && task.parent.is_none() && begins.is_some_and(|it| it >= when)
        });
        let first = orphans.min_by_key(|task| task.calls.first().map(|call| call.start));
        let outer = first.map_or(inner, |task| task.tid);
        self.inner.insert((parent, inner), outer);
        outer
    }

    /// The task that a call of `parent` means by a child's pid.
    pub(crate) fn child(&self, parent: u32, pid: u32) -> Option<&Task> {
        let outer = self.inner.get(&(parent, pid)).unwrap_or(&pid);
        self.tasks.get(outer)
    }

    /// All calls, in the order in which they began.
    pub fn calls(&self) -> Vec<&Call> {
        let mut calls: Vec<_> = self.tasks.values().flat_map(|task| &task.calls).collect();
        calls.sort_by_key(|call| call.start);
        calls
    }

    /// The objects that processes of each of these logs have used.
    pub fn common(&self, logs: &[impl AsRef<str>]) -> BTreeSet<Object> {
        let used_by = |log: &str| -> BTreeSet<Object> {
            let tasks = self.tasks.values().filter(|task| task.log == log);
            let calls = tasks.flat_map(|task| &task.calls);
            calls
                .filter(|it| it.value().is_some())
                .filter_map(|it| self.object(it))
                .collect()
        };
        let mut used = logs.iter().map(|log| used_by(log.as_ref()));
        let first = used.next().unwrap_or_default();
        used.fold(first, |common, more| &common & &more)
    }

    /// What a call works on, if that is something that processes share.
    pub fn object(&self, call: &Call) -> Option<Object> {
        self.end(call).map(|end| end.object)
    }

    /// What a call works on, and in which direction.
    pub fn end(&self, call: &Call) -> Option<object::End> {
        let first = call.argument(0);
        let by_id = |kind| {
            Some(object::End {
                object: Object::new(kind, first),
                direction: None,
            })
        };
        match call.name.as_str() {
            "msgsnd" | "msgrcv" | "msgctl" => by_id(Kind::SysvMsgq),
            "semop" | "semtimedop" | "semctl" => by_id(Kind::SysvSem),
            "shmat" | "shmctl" => by_id(Kind::SysvShm),
            "msgget" | "semget" | "shmget" => {
                let kind = match call.name.as_str() {
                    "msgget" => Kind::SysvMsgq,
                    "semget" => Kind::SysvSem,
                    _ => Kind::SysvShm,
                };
                Some(object::End {
                    object: Object::new(kind, call.value()?.to_string()),
                    direction: None,
                })
            }
            "mq_open" | "mq_unlink" => self.posix_queue(&text::string(first)?.0),
            "mq_timedsend" | "mq_timedreceive" | "mq_getsetattr" | "mq_notify" => {
                let (_, note) = text::descriptor(first)?;
                self.posix_queue(note.trim_end_matches("(deleted)").as_bytes())
            }
            "open" | "openat" | "mknod" | "mknodat" | "unlink" | "unlinkat" => {
                object::behind(&path_of(call)?, |path| self.kind_of(path))
            }
            "mmap" => self.behind_argument(call.argument(4)),
            "pipe" | "pipe2" | "socketpair" => {
                let pair = call.arguments.iter().find(|it| it.starts_with('['))?;
                let ends = text::arguments(inside(pair));
                self.behind_argument(ends.first()?)
            }
            "poll" | "ppoll" | "select" | "pselect6" | "epoll_wait" => None,
            // Its own end is the listening socket; the connection is what it returns.
            "accept" | "accept4" => match &call.outcome {
                log::Outcome::Returned(fd, note) => self.behind_argument(&format!("{fd}{note}")),
                _ => self.behind_argument(first),
            },
            _ => self.behind_argument(first),
        }
    }

    /// What stands behind a descriptor argument.
    pub(crate) fn behind_argument(&self, argument: &str) -> Option<object::End> {
        let (number, note) = text::descriptor(argument)?;
        if number == "AT_FDCWD" {
            return None;
        }
        let peer = socket(argument).and_then(|inode| self.peers.get(&inode));
        object::behind(peer.map_or(note, String::as_str), |path| self.kind_of(path))
    }

    fn posix_queue(&self, name: &[u8]) -> Option<object::End> {
        let name = String::from_utf8_lossy(name);
        Some(object::End {
            object: Object::new(
                Kind::PosixMsgq,
                format!("/{}", name.trim_start_matches('/')),
            ),
            direction: None,
        })
    }

    fn kind_of(&self, path: &str) -> Kind {
        use std::os::unix::fs::FileTypeExt;
        let is_fifo = || fs::symlink_metadata(path).is_ok_and(|it| it.file_type().is_fifo());
        if self.queues.contains(path) {
            Kind::PosixMsgq
        } else if self.fifos.contains(path) || is_fifo() {
            Kind::Fifo
        } else {
            Kind::File
        }
    }

    /// The call that a thread had not finished when the log ended.
    pub fn unfinished(&self, tid: u32) -> Option<&Call> {
        let task = self.tasks.get(&tid)?;
        let last = task.calls.last()?;
        let never_returns = matches!(last.name.as_str(), "exit_group" | "exit" | "rt_sigreturn");
        (last.took.is_none() && !never_returns).then_some(last)
    }
}

/// The inode of the socket that a call makes or works on, if strace knows nothing else of it.
fn inode(call: &Call) -> Option<String> {
    match (&call.outcome, call.name.as_str()) {
        (log::Outcome::Returned(fd, note), "socket") => socket(&format!("{fd}{note}")),
        _ => socket(call.argument(0)),
    }
}

/// Whether a call makes a process or a thread.
pub(crate) fn is_birth(name: &str) -> bool {
    matches!(name, "fork" | "vfork" | "clone" | "clone3")
}

/// The path that a call names, made absolute where strace shows the folder it is relative to.
pub(crate) fn path_of(call: &Call) -> Option<String> {
    let (folder, path) = match call.name.as_str() {
        "openat" | "mknodat" | "unlinkat" => {
            let folder = text::descriptor(call.argument(0)).map(|it| it.1);
            (folder, call.argument(1))
        }
        _ => (None, call.argument(0)),
    };
    // The descriptor that open returned shows the path without links.
    if let log::Outcome::Returned(_, note) = &call.outcome {
        if let Some(path) = note.strip_prefix('<').and_then(|it| it.strip_suffix('>')) {
            return Some(path.into());
        }
    }
    let path = String::from_utf8_lossy(&text::string(path)?.0).into_owned();
    match folder {
        Some(folder) if !path.starts_with('/') => {
            let path = path.trim_start_matches("./");
            Some(format!("{folder}/{path}"))
        }
        _ => Some(path),
    }
}

/// What stands between the brackets of `[3<pipe:[1]>, 4<pipe:[1]>]`.
pub(crate) fn inside(list: &str) -> &str {
    let list = list.strip_prefix(['[', '{']).unwrap_or(list);
    list.strip_suffix([']', '}']).unwrap_or(list)
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
