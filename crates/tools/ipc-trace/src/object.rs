//! What a call works on: a pipe, a queue, a segment, a connection.

use std::fmt;

/// The mechanisms, by the names that `--carried` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, clap::ValueEnum)]
pub enum Kind {
    /// pipe(2)
    Pipe,
    /// fifo(7)
    Fifo,
    /// A System V message queue: msgop(2)
    SysvMsgq,
    /// A POSIX message queue: mq_overview(7)
    PosixMsgq,
    /// System V shared memory: shmop(2)
    SysvShm,
    /// POSIX shared memory: shm_overview(7)
    PosixShm,
    /// A set of System V semaphores: semop(2)
    SysvSem,
    /// A Unix domain socket: unix(7)
    Unix,
    /// tcp(7)
    Tcp,
    /// udp(7)
    Udp,
    /// A regular file, a device, whatever else has a path
    File,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pipe => "pipe",
            Self::Fifo => "FIFO",
            Self::SysvMsgq | Self::PosixMsgq => "queue",
            Self::SysvShm | Self::PosixShm => "segment",
            Self::SysvSem => "semaphores",
            Self::Unix => "Unix socket",
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::File => "file",
        })
    }
}

/// An object in the kernel, the same in every process that uses it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Object {
    /// The mechanism.
    pub kind: Kind,
    /// The inode, path, id or pair of addresses by which the kernel tells it from others.
    pub name: String,
}

impl Object {
    pub(crate) fn new(kind: Kind, name: impl Into<String>) -> Self {
        let name = name.into();
        Self { kind, name }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            // The inode of a pipe or of a socket says nothing to a reader.
            Kind::Pipe | Kind::Unix if !self.name.contains('/') => write!(f, "{}", self.kind),
            // A connection has two addresses: the lanes and the arrows show which.
            Kind::Tcp if self.name.contains('-') => write!(f, "{}", self.kind),
            Kind::File => f.write_str(&short(&self.name)),
            _ => write!(f, "{} {}", self.kind, short(&self.name)),
        }
    }
}

/// A long path by its last part: where it matters, the whole of it is in the log.
pub(crate) fn short(path: &str) -> String {
    match path.rsplit_once('/') {
        Some((folder, name)) if folder.len() > 24 => format!("…/{name}"),
        _ => path.to_owned(),
    }
}

/// One end of an object, as strace writes it behind a descriptor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// What it is an end of.
    pub object: Object,
    /// The near end and the far end of a connection; empty where data goes one way.
    pub direction: Option<(String, String)>,
}

/// What stands behind a descriptor: `pipe:[225415]`, `TCP:[a->b]`, `/tmp/fifo`.
///
/// `kind_of` knows which paths are FIFOs or queues: strace shows them as it shows files.
pub(crate) fn behind(note: &str, kind_of: impl Fn(&str) -> Kind) -> Option<End> {
    if let Some(inode) = bracketed(note, "pipe:") {
        return Some(End {
            object: Object::new(Kind::Pipe, inode),
            direction: None,
        });
    }
    for (prefix, kind) in [
        ("UNIX", Kind::Unix),
        ("TCP", Kind::Tcp),
        ("UDP", Kind::Udp),
        ("socket:", Kind::Unix),
    ] {
        if note.starts_with(prefix) {
            return Some(connection(kind, note));
        }
    }
    let path = note.strip_suffix("(deleted)").unwrap_or(note);
    let path = path.split('<').next().unwrap_or(path); // <char 1:3> behind a device
    if !path.starts_with('/') {
        return None; // anon_inode:[eventfd] and the like
    }
    let kind = if path.starts_with("/dev/shm/") {
        Kind::PosixShm
    } else {
        kind_of(path)
    };
    let name = path.strip_prefix("/dev/shm").unwrap_or(path);
    Some(End {
        object: Object::new(kind, name),
        direction: None,
    })
}

fn bracketed<'a>(note: &'a str, prefix: &str) -> Option<&'a str> {
    note.strip_prefix(prefix)?
        .strip_prefix('[')?
        .strip_suffix(']')
}

/// `UNIX-STREAM:[242570->243477,"/tmp/my_socket"]`: both ends carry the same name.
fn connection(kind: Kind, note: &str) -> End {
    let inside = note.split_once('[').map_or(note, |it| it.1);
    let inside = inside.strip_suffix(']').unwrap_or(inside);
    let (ends, path) = match inside.split_once(",\"").or(inside.split_once(",@\"")) {
        Some((ends, path)) if kind == Kind::Unix => (ends, Some(path.trim_end_matches('"'))),
        _ => (inside, None),
    };
    match ends.split_once("->") {
        Some((near, far)) => {
            let (one, other) = if near < far { (near, far) } else { (far, near) };
            End {
                object: Object::new(kind, format!("{one}-{other}")),
                direction: Some((near.into(), far.into())),
            }
        }
        None => End {
            object: Object::new(kind, path.unwrap_or(ends)),
            direction: None,
        },
    }
}
