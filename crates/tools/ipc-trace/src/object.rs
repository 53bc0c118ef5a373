//! What a call works on: a pipe, a queue, a segment, a connection.

use std::fmt;

use crate::strace::{Behind, Text};

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

/// One end of an object, as strace shows it behind a descriptor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// What it is an end of.
    pub object: Object,
    /// The near end and the far end of a connection; empty where data goes one way.
    pub direction: Option<(String, String)>,
}

impl End {
    /// An end of what has one direction alone.
    pub(crate) fn of(kind: Kind, name: impl Into<String>) -> Self {
        let object = Object::new(kind, name);
        let direction = None;
        Self { object, direction }
    }
}

/// What stands behind a descriptor, if that is something that processes share.
///
/// `kind_of` knows which paths are FIFOs or queues: strace shows them as it shows files.
pub(crate) fn behind(behind: &Behind, kind_of: impl Fn(&str) -> Kind) -> Option<End> {
    match behind {
        Behind::Path(path) => Some(at_path(&shown_path(path), kind_of)),
        Behind::Object {
            kind,
            near,
            far,
            path,
        } => {
            let kind = match kind.as_str() {
                "pipe" => return Some(End::of(Kind::Pipe, near)),
                "socket" => Kind::Unix,
                unix if unix.starts_with("UNIX") => Kind::Unix,
                tcp if tcp.starts_with("TCP") => Kind::Tcp,
                udp if udp.starts_with("UDP") => Kind::Udp,
                _ => return None, // anon_inode:[eventfd] and the like
            };
            Some(connection(kind, near, far.as_deref(), path.as_ref()))
        }
    }
}

/// What stands at a path.
pub(crate) fn at_path(path: &str, kind_of: impl Fn(&str) -> Kind) -> End {
    match path.strip_prefix("/dev/shm") {
        Some(name) if name.starts_with('/') => End::of(Kind::PosixShm, name),
        _ => End::of(kind_of(path), path),
    }
}

/// Both ends of a connection carry the same name.
fn connection(kind: Kind, near: &str, far: Option<&str>, path: Option<&Text>) -> End {
    match far {
        Some(far) => {
            let (one, other) = if near < far { (near, far) } else { (far, near) };
            End {
                object: Object::new(kind, format!("{one}-{other}")),
                direction: Some((near.into(), far.into())),
            }
        }
        None => {
            let path = path.map(|path| shown_path(&path.bytes));
            End::of(kind, path.unwrap_or_else(|| near.into()))
        }
    }
}

/// A path as text: two different paths stay different.
pub(crate) fn shown_path(path: &[u8]) -> String {
    match std::str::from_utf8(path) {
        Ok(path) => path.to_owned(),
        Err(_) => path.escape_ascii().to_string(),
    }
}
