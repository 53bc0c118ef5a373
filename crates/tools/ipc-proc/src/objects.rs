//! IPC objects that outlive a process.

use std::fmt;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use anyhow::Context;

/// The three kinds of System V objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A message queue: see msgget(2).
    Queue,
    /// A shared memory segment: see shmget(2).
    Segment,
    /// A set of semaphores: see semget(2).
    Semaphores,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Queue, Self::Segment, Self::Semaphores];

    /// The name of its table below /proc/sysvipc, which is also the word of ipcs(1).
    pub fn table(self) -> &'static str {
        match self {
            Self::Queue => "msg",
            Self::Segment => "shm",
            Self::Semaphores => "sem",
        }
    }
}

/// A System V object of the IPC namespace that this thread is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SystemV {
    /// What it is.
    pub kind: Kind,
    /// Its key, as ftok(3) made it; 0 is `IPC_PRIVATE`.
    pub key: i32,
    /// Its id, which ipcrm(1) takes.
    pub id: i32,
    /// Who owns it: the owner can give it to another user (`IPC_SET`).
    pub owner: u32,
    /// Who made it.
    pub creator: u32,
    /// How many messages, bytes or semaphores it holds.
    pub size: u64,
}

impl fmt::Display for SystemV {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} key {} id {}", self.kind.table(), self.key, self.id)
    }
}

/// The System V objects of this thread's IPC namespace: see proc_sysvipc(5).
///
/// # Errors
/// When a table cannot be read, or has other columns than those that this program knows.
pub fn system_v() -> anyhow::Result<Vec<SystemV>> {
    let mut found = Vec::new();
    for kind in Kind::ALL {
        let path = format!("/proc/sysvipc/{}", kind.table());
        let text = fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
        found.extend(parse(kind, &text).with_context(|| format!("read {path}"))?);
    }
    Ok(found)
}

fn parse(kind: Kind, text: &str) -> anyhow::Result<Vec<SystemV>> {
    let mut lines = text.lines();
    let heading: Vec<_> = lines.next().unwrap_or("").split_whitespace().collect();
    let column = |name: &str| {
        let place = heading.iter().position(|word| *word == name);
        place.with_context(|| format!("there is no column {name}"))
    };
    let (id, size) = match kind {
        Kind::Queue => ("msqid", "qnum"),
        Kind::Segment => ("shmid", "size"),
        Kind::Semaphores => ("semid", "nsems"),
    };
    let columns = [
        column("key")?,
        column(id)?,
        column("uid")?,
        column("cuid")?,
        column(size)?,
    ];
    lines
        .map(|line| {
            let fields: Vec<_> = line.split_whitespace().collect();
            let [key, id, owner, creator, size] =
                columns.map(|column| fields.get(column).copied().unwrap_or(""));
            Ok(SystemV {
                kind,
                key: key.parse().context("a key")?,
                id: id.parse().context("an id")?,
                owner: owner.parse().context("a uid")?,
                creator: creator.parse().context("a uid")?,
                size: size.parse().context("a size")?,
            })
        })
        .collect()
}

/// The names of what lies in a directory, sorted; none if it is not there. For the POSIX queues below
/// /dev/mqueue (mq_overview(7)) and the POSIX segments below /dev/shm (shm_overview(7)).
///
/// # Errors
/// When the directory is there and cannot be read.
pub fn names_in(directory: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let read = || format!("read {}", directory.display());
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(read)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry.with_context(read)?.file_name().into_vec());
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_by_its_heading() -> anyhow::Result<()> {
        let text = "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime      ctime\n\
                    1293942784          3   600          12          2     7     0  1000  1000  1001  1001          0          0          0\n";
        let queue = SystemV {
            kind: Kind::Queue,
            key: 1_293_942_784,
            id: 3,
            owner: 1000,
            creator: 1001,
            size: 2,
        };
        assert_eq!(parse(Kind::Queue, text)?, [queue]);
        assert_eq!(queue.to_string(), "msg key 1293942784 id 3");
        assert!(parse(Kind::Segment, text).is_err());
        Ok(())
    }

    #[test]
    fn the_tables_of_this_machine_can_be_read() -> anyhow::Result<()> {
        system_v().map(drop)
    }

    #[test]
    fn a_directory_that_is_not_there_holds_nothing() -> anyhow::Result<()> {
        assert!(names_in(Path::new("/proc/none"))?.is_empty());
        Ok(())
    }
}
