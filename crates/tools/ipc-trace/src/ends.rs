//! What the calls of a trace work on.

use std::collections::BTreeSet;
use std::fs;

use crate::object::{self, Kind, Object, shown_path};
use crate::peers::socket;
use crate::strace::{Call, Value};
use crate::trace::Trace;

impl Trace {
    /// The objects that processes of each of these logs have used.
    pub fn common(&self, logs: &[impl AsRef<str>]) -> BTreeSet<Object> {
        let used_by = |log: &str| -> BTreeSet<Object> {
            let tasks = self.tasks.values().filter(|task| task.log == log);
            let calls = tasks.flat_map(|task| task.played());
            calls
                .filter(|call| call.value().is_some())
                .filter_map(|call| Some((call, self.object(call)?)))
                // A segment is shared memory once it is attached, and a file below /dev/shm once it is mapped.
                .filter(|(call, object)| {
                    !matches!(object.kind, Kind::SysvShm | Kind::PosixShm) || maps(call)
                })
                .map(|(_, object)| object)
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
        let by_id = |kind| Some(object::End::of(kind, call.shown(0)));
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
                Some(object::End::of(kind, call.value()?.to_string()))
            }
            "mq_open" | "mq_unlink" => Some(posix_queue(&first?.text()?.bytes)),
            "mq_timedsend" | "mq_timedreceive" | "mq_getsetattr" | "mq_notify" => {
                Some(posix_queue(first?.descriptor()?.path()?))
            }
            "open" | "openat" | "mknod" | "mknodat" | "unlink" | "unlinkat" => {
                let path = path_of(call).filter(|path| path.starts_with('/'))?;
                Some(object::at_path(&path, |path| self.kind_of(path)))
            }
            "mmap" => self.behind(call.argument(4)?),
            "pipe" | "pipe2" | "socketpair" => self.behind(pair_of(call).first()?),
            "poll" | "ppoll" | "select" | "pselect6" | "epoll_wait" => None,
            // Its own end is the listening socket; the connection is what it returns.
            "accept" | "accept4" => self.behind(call.returned().or(first)?),
            _ => self.behind(first?),
        }
    }

    /// What stands behind a descriptor.
    pub(crate) fn behind(&self, value: &Value) -> Option<object::End> {
        let descriptor = value.descriptor()?;
        descriptor.number?;
        let peer = socket(value).and_then(|inode| self.peers.get(&inode));
        let behind = peer.unwrap_or(&descriptor.behind);
        object::behind(behind, |path| self.kind_of(path))
    }

    fn kind_of(&self, path: &str) -> Kind {
        use std::os::unix::fs::FileTypeExt;
        let is_fifo = || fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_fifo());
        if self.fifos.contains(path) || is_fifo() {
            Kind::Fifo
        } else {
            Kind::File
        }
    }
}

/// Whether a call makes shared memory a part of its process's own.
fn maps(call: &Call) -> bool {
    call.name == "shmat" || (call.name == "mmap" && call.has("MAP_SHARED"))
}

/// The two descriptors that pipe(2) or socketpair(2) has made.
pub(crate) fn pair_of(call: &Call) -> Vec<&Value> {
    let lists = call.arguments.iter();
    let mut lists = lists.filter(|value| matches!(value, Value::List(_)));
    lists.next().map_or(Vec::new(), Value::items)
}

fn posix_queue(name: &[u8]) -> object::End {
    let name = shown_path(name);
    let name = format!("/{}", name.trim_start_matches('/'));
    object::End::of(Kind::PosixMsgq, name)
}

/// The inode of the socket that a call makes or works on, if strace knows nothing else of it.
pub(crate) fn inode(call: &Call) -> Option<String> {
    match (call.returned(), call.name.as_str()) {
        (Some(made), "socket") => socket(made),
        _ => socket(call.argument(0)?),
    }
}

/// The path that a call names, made absolute where strace shows the folder it is relative to.
pub(crate) fn path_of(call: &Call) -> Option<String> {
    let (folder, path) = match call.name.as_str() {
        "openat" | "mknodat" | "unlinkat" | "renameat" | "renameat2" | "linkat" => {
            let folder = call.argument(0).and_then(Value::descriptor);
            (folder.and_then(|folder| folder.path()), call.argument(1))
        }
        _ => (None, call.argument(0)),
    };
    // The descriptor that open returned shows the path without links.
    if let Some(descriptor) = call.returned().and_then(Value::descriptor) {
        if let Some(path) = descriptor.path() {
            return Some(shown_path(path));
        }
    }
    let path = shown_path(&path?.text()?.bytes);
    match folder {
        Some(folder) if !path.starts_with('/') => {
            let path = path.trim_start_matches("./");
            Some(format!("{}/{path}", shown_path(folder)))
        }
        _ => Some(path),
    }
}
