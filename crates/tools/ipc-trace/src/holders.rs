//! Who holds what somebody waits for: the other end of a pipe or a socket, a lock.
//!
//! All from /proc, also across namespaces: proc_pid_fd(5), proc_pid_fdinfo(5), proc_pid_net(5),
//! proc_pid_maps(5).

use std::fs;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use nix::sys::socket::{getsockopt, sockopt};

use crate::blocked::{command_of, memory};

/// A process that has the other end open, or a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// Its program.
    pub program: String,
    /// What it has, and the descriptor: `open for writing, descriptor 4`.
    pub how: String,
}

impl Holder {
    fn new(pid: u32, how: String) -> Self {
        let program = command_of(pid);
        Self { pid, program, how }
    }
}

/// What the one who waits (a process) is told about holders, who all hold in the same way: `it is open
/// for writing in child (process 7), descriptor 4`.
pub(crate) fn told(holders: &[Holder], pid: u32, held: &str, nobody: &str) -> String {
    let each = holders.iter().map(|it| {
        let itself = if it.pid == pid { " itself" } else { "" };
        let descriptor = it.how.rsplit_once(", ").map_or("", |(_, it)| it);
        let comma = if descriptor.is_empty() { "" } else { ", " };
        format!(
            "{} (process {}){itself}{comma}{descriptor}",
            it.program, it.pid
        )
    });
    match each.collect::<Vec<_>>().as_slice() {
        [] => nobody.to_owned(),
        names => format!("{held} {}", names.join(" and ")),
    }
}

/// An open descriptor of some process.
pub(crate) struct Open {
    pid: u32,
    fd: u32,
    /// What stands behind it: a path, `pipe:[7]`.
    pub(crate) target: String,
    reads: bool,
    writes: bool,
    locks: Vec<Lock>,
}

/// Every descriptor that this user may look at.
pub(crate) fn descriptors() -> Vec<Open> {
    let mut found = Vec::new();
    for pid in numbers("/proc") {
        for fd in numbers(&format!("/proc/{pid}/fd")) {
            let (Ok(target), Ok(info)) = (
                fs::read_link(format!("/proc/{pid}/fd/{fd}")),
                fs::read_to_string(format!("/proc/{pid}/fdinfo/{fd}")),
            ) else {
                continue;
            };
            let flags = info.lines().find_map(|it| it.strip_prefix("flags:"));
            let flags = flags.and_then(|it| i32::from_str_radix(it.trim(), 8).ok());
            let mode = flags.unwrap_or(0) & libc::O_ACCMODE;
            let locks = info.lines().filter_map(|it| it.strip_prefix("lock:"));
            found.push(Open {
                pid,
                fd,
                target: target.to_string_lossy().into_owned(),
                reads: mode != libc::O_WRONLY,
                writes: mode != libc::O_RDONLY,
                locks: locks.filter_map(Lock::parse).collect(),
            });
        }
    }
    found
}

/// The entries of a folder that are numbers.
fn numbers(folder: &str) -> Vec<u32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|it| it.file_name().to_str()?.parse().ok())
        .collect()
}

/// The name of the end that is not the waiting one's.
pub(crate) fn other_end(wants_reader: bool) -> &'static str {
    match wants_reader {
        true => "for reading",
        false => "for writing",
    }
}

/// Who has the other end of a pipe, a FIFO or a queue open.
pub(crate) fn of_end(open: &[Open], target: &str, wants_reader: bool) -> Vec<Holder> {
    let end = other_end(wants_reader);
    let other = |it: &&Open| it.target == target && if wants_reader { it.reads } else { it.writes };
    let holders = open.iter().filter(other);
    holders
        .map(|it| Holder::new(it.pid, format!("open {end}, descriptor {}", it.fd)))
        .collect()
}

/// A lock on a file, or the wish for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lock {
    /// Of flock(2), not of fcntl(2): neither sees the other's.
    whole: bool,
    /// A write lock, which nobody may have beside it.
    alone: bool,
    first: u64,
    last: u64,
}

impl Lock {
    /// What a flock(2) asks for.
    pub(crate) fn flock(operation: u64) -> Self {
        Self {
            whole: true,
            alone: operation & libc::LOCK_SH as u64 == 0,
            first: 0,
            last: u64::MAX,
        }
    }

    /// What a fcntl(2) asks for; its third argument points to a struct flock.
    pub(crate) fn fcntl(pid: u32, address: u64) -> Option<Self> {
        let bytes = memory(pid, address, size_of::<libc::flock>());
        // l_type and l_whence are two bytes each; l_start stands at its own alignment, before l_len.
        let number = |at| Some(i64::from_ne_bytes(*bytes.get(at..)?.first_chunk()?));
        let [kind, whence] = [0, 2].map(|at| bytes.get(at).copied());
        let (start, length) = (number(8)?, number(16)?);
        let from_start = i32::from(whence?) == libc::SEEK_SET;
        let (first, last) = match (u64::try_from(start), u64::try_from(length)) {
            (Ok(first), Ok(0)) if from_start => (first, u64::MAX),
            // Neither is above i64::MAX, so the sum is a u64.
            (Ok(first), Ok(length)) if from_start => (first, first + length - 1),
            // Counted from elsewhere, or backwards: any of its bytes may be meant.
            _ => (0, u64::MAX),
        };
        Some(Self {
            whole: false,
            alone: i32::from(kind?) == libc::F_WRLCK,
            first,
            last,
        })
    }

    /// From a line of proc_pid_fdinfo(5): `1: POSIX  ADVISORY  WRITE 359 00:13:11691 0 EOF`.
    fn parse(line: &str) -> Option<Self> {
        let words: Vec<_> = line.split_whitespace().collect();
        let [_, kind, _, mode, .., first, last] = words.as_slice() else {
            return None;
        };
        Some(Self {
            whole: *kind == "FLOCK",
            alone: *mode == "WRITE",
            first: first.parse().ok()?,
            last: match *last {
                "EOF" => u64::MAX,
                last => last.parse().ok()?,
            },
        })
    }

    fn bars(self, wanted: Self) -> bool {
        self.whole == wanted.whole
            && (self.alone || wanted.alone)
            && self.first <= wanted.last
            && wanted.first <= self.last
    }
}

/// Who has a lock on that file that bars this one.
pub(crate) fn of_lock(open: &[Open], target: &str, wanted: Lock) -> Vec<Holder> {
    let bars = |it: &&Open| it.target == target && it.locks.iter().any(|it| it.bars(wanted));
    let holders = open.iter().filter(bars);
    holders
        .map(|it| Holder::new(it.pid, format!("the lock, descriptor {}", it.fd)))
        .collect()
}

/// Who has the socket at the other end of a connection open.
pub(crate) fn of_other_end(open: &[Open], far: &str) -> Vec<Holder> {
    let far = open.iter().filter(|it| it.target == far);
    far.map(|it| Holder::new(it.pid, format!("the other end, descriptor {}", it.fd)))
        .collect()
}

/// Who has the other end of a connected socket, which is `socket:[inode]`.
pub(crate) fn of_socket(open: &[Open], pid: u32, fd: u32, target: &str) -> Vec<Holder> {
    let inode = target.trim_matches(|it: char| !it.is_ascii_digit());
    if let Some(far) = far_end(pid, inode) {
        return of_other_end(open, &far);
    }
    let maker = far_process(pid, fd).into_iter();
    maker
        .map(|it| Holder::new(it, "made the other end".to_owned()))
        .collect()
}

/// The other end of a TCP connection on this machine: the entry whose addresses are exchanged. The table
/// is that of the process's network namespace.
fn far_end(pid: u32, inode: &str) -> Option<String> {
    ["tcp", "tcp6"].iter().find_map(|table| {
        let table = fs::read_to_string(format!("/proc/{pid}/net/{table}")).ok()?;
        let rows = table
            .lines()
            .map(|it| it.split_whitespace().collect::<Vec<_>>());
        let rows: Vec<_> = rows.filter(|it| it.len() > 9).collect();
        let own = rows.iter().find(|it| it[9] == inode)?;
        let far = rows.iter().find(|it| (it[1], it[2]) == (own[2], own[1]));
        Some(format!("socket:[{}]", far.map_or("none", |it| it[9])))
    })
}

/// The process at the other end of a connected Unix socket: unix(7), SO_PEERCRED. It made the connection
/// or, for a client, called listen(2), and may have handed its end on.
fn far_process(pid: u32, fd: u32) -> Option<u32> {
    // SAFETY: takes two numbers; what it returns is a new descriptor or -1.
    let process = owned(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
    // SAFETY: takes three numbers; what it returns is a new descriptor or -1.
    let socket =
        owned(unsafe { libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), fd, 0) })?;
    let peer = getsockopt(&socket, sockopt::PeerCredentials).ok()?;
    // Of a process that has ended, or that this namespace does not know, it is 0.
    u32::try_from(peer.pid()).ok().filter(|it| *it > 0)
}

fn owned(fd: i64) -> Option<OwnedFd> {
    let fd = i32::try_from(fd).ok().filter(|it| *it >= 0)?;
    // SAFETY: a system call has just made it, and nobody else knows it.
    Some(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Where in shared memory an address of a process lies: `/dev/shm/db, byte 64`. `None` where the memory
/// is its own.
pub(crate) fn shared_place(pid: u32, address: u64) -> Option<String> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
    maps.lines().find_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (first, last) = range.split_once('-')?;
        let hex = |it| u64::from_str_radix(it, 16).ok();
        let (first, last) = (hex(first)?, hex(last)?);
        let words: Vec<_> = rest.split_whitespace().collect();
        let is_it = (first..last).contains(&address) && words.first()?.ends_with('s');
        is_it.then(|| {
            let name = words.get(4).copied().unwrap_or("shared memory");
            let offset = hex(words[1]).unwrap_or(0) + address - first;
            format!("{name}, byte {offset}")
        })
    })
}

/// Who has the robust mutex at an address of a process: its word is the owner's thread, in the
/// process's own pid namespace, and says that somebody waits. Other locks do not name an owner.
pub(crate) fn of_mutex(pid: u32, address: u64) -> Vec<Holder> {
    let bytes = memory(pid, address, 4);
    let word = bytes.first_chunk().map_or(0, |it| u32::from_ne_bytes(*it));
    if word & libc::FUTEX_WAITERS == 0 {
        return Vec::new();
    }
    let owner = (word & libc::FUTEX_TID_MASK).to_string();
    let namespace = |pid| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let own = namespace(pid);
    let is_owner = |pid: &u32| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let ids = status.lines().find_map(|it| it.strip_prefix("NSpid:"));
        let inner = ids.and_then(|it| it.split_whitespace().last());
        inner == Some(&owner) && namespace(*pid) == own
    };
    let owners = numbers("/proc").into_iter().filter(is_owner);
    owners
        .map(|it| Holder::new(it, "the lock".to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;
    use std::process;
    use std::ptr;

    use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};

    use super::{Lock, of_mutex, shared_place};

    #[test]
    fn a_lock_bars_those_of_its_own_kind_that_share_a_byte() {
        let parse = |line| Lock::parse(line).expect("a lock");
        let one = parse("\t1: POSIX  ADVISORY  WRITE 359 00:13:11691 0 63");
        let rest = parse("\t2: POSIX  ADVISORY  READ 359 00:13:11691 64 EOF");
        let whole = parse("\t1: FLOCK  ADVISORY  WRITE 359 00:13:11691 0 EOF");
        assert!(one.bars(one) && !one.bars(rest) && !rest.bars(rest));
        assert!(!whole.bars(one) && !one.bars(whole));
        let shared = Lock::flock(libc::LOCK_SH as u64);
        assert!(whole.bars(shared) && whole.bars(Lock::flock(libc::LOCK_EX as u64)));
        assert!(!shared.bars(shared));
        assert_eq!(Lock::parse(""), None);
    }

    #[test]
    fn what_fcntl_asks_for_stands_in_the_memory_of_the_process() {
        // SAFETY: a struct of integers, for which zeros are values.
        let mut asked: libc::flock = unsafe { std::mem::zeroed() };
        asked.l_type = libc::F_WRLCK as i16;
        (asked.l_start, asked.l_len) = (64, 64);
        let lock = Lock::fcntl(process::id(), ptr::from_ref(&asked) as u64).expect("a lock");
        let (first, last) = (64, 127);
        let expected = Lock {
            whole: false,
            alone: true,
            first,
            last,
        };
        assert_eq!(lock, expected);
        // What stands there is the program's affair.
        for (start, length) in [(i64::MAX, i64::MAX), (i64::MIN, i64::MIN), (-1, 1)] {
            (asked.l_start, asked.l_len) = (start, length);
            let lock = Lock::fcntl(process::id(), ptr::from_ref(&asked) as u64);
            assert!(lock.is_some_and(|it| it.last >= it.first));
        }
        assert_eq!(Lock::fcntl(process::id(), 0), None);
    }

    #[test]
    fn a_robust_mutex_in_shared_memory_names_its_owner() {
        let size = NonZero::new(4096).expect("not 0");
        let (both, shared) = (ProtFlags::all(), MapFlags::MAP_SHARED);
        // SAFETY: new memory, which nobody else knows.
        let memory = unsafe { mmap_anonymous(None, size, both, shared) }.expect("memory");
        let word = memory.cast::<u32>();
        let (pid, address) = (process::id(), word.as_ptr() as u64);
        let place = shared_place(pid, address + 64).expect("a place");
        assert!(place.ends_with(", byte 64"), "{place}");
        assert_eq!(of_mutex(pid, address), []);
        // SAFETY: it lies in that memory, which is as large as a page.
        unsafe { word.write_volatile(pid | libc::FUTEX_WAITERS) };
        let owners = of_mutex(pid, address);
        assert_eq!(owners.iter().map(|it| it.pid).collect::<Vec<_>>(), [pid]);
        let own = 7;
        assert_eq!(shared_place(pid, ptr::from_ref(&own) as u64), None);
    }
}
