//! Who is blocked, in which call, on what, and who holds the other end.
//!
//! The log of a trace knows since when, and what the object is; /proc knows what is so now, also
//! without any trace: proc_pid_syscall(5), proc_pid_fd(5), proc_pid_fdinfo(5).

use std::fmt;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::time::{Duration, SystemTime};

use crate::arrow::operations;
use crate::describe;
use crate::ends::path_of;
use crate::holders::{self, Holder, Lock, Open, descriptors};
use crate::object::{Kind, Object};
use crate::picture::{STAGE, is_stage};
use crate::strace::Call;
use crate::trace::Trace;

/// A thread that waits.
#[derive(Debug, Clone)]
pub struct Blocked {
    /// Its process.
    pub pid: u32,
    /// The program's name.
    pub program: String,
    /// The call, with its arguments: `read(3 FIFO /tmp/fifo)`.
    pub call: String,
    /// For how long; `None` where only /proc was asked, which does not tell.
    pub time: Option<Duration>,
    /// What it waits for, and who could bring that about.
    pub because: String,
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} (process {}) is blocked in {}",
            self.program, self.pid, self.call
        )?;
        if let Some(time) = self.time {
            write!(f, " for {:.1} s", time.as_secs_f64())?;
        }
        write!(f, ": {}", self.because)
    }
}

/// A thread that waits, as /proc tells it.
#[derive(Debug, Clone)]
pub struct Wait {
    /// Who, in which call, and why.
    pub blocked: Blocked,
    /// What stands behind the descriptor or the id: `pipe:[7]`, `queue 3`.
    pub object: String,
    /// Who has the other end open, or the lock.
    pub holders: Vec<Holder>,
}

/// What each living thread of a trace is blocked in; a thread that only waits for a signal or for
/// another thread of its own process is left out.
pub fn blocked(trace: &Trace) -> Vec<Blocked> {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let open = descriptors();
    let mut found = Vec::new();
    let tasks = trace.tasks.values().filter(|task| task.end.is_none());
    for task in tasks.filter(|task| !is_stage(task, Duration::MAX)) {
        let Some(call) = trace.unfinished(task.tid) else {
            continue;
        };
        let waits_for_itself = matches!(call.name.as_str(), "futex" | "rt_sigtimedwait");
        // A log outlives its processes: the kernel says who is there still.
        if waits_for_itself || !alive(task.tid) {
            continue;
        }
        found.push(Blocked {
            pid: task.pid,
            program: task.program().to_owned(),
            call: describe::asked(trace, call),
            time: Some(now.saturating_sub(call.start)),
            because: because(trace, call, task.pid, &open),
        });
    }
    found
}

/// What a process is blocked in now, by /proc alone; empty if it runs, or may not be looked at.
pub fn blocked_now(pid: u32) -> Vec<Blocked> {
    let waits = waits_now(pid).into_iter();
    waits.map(|wait| wait.blocked).collect()
}

/// The same, with what it waits for and who holds that.
pub fn waits_now(pid: u32) -> Vec<Wait> {
    let open = descriptors();
    let threads = fs::read_dir(format!("/proc/{pid}/task"));
    let threads = threads.into_iter().flatten().flatten();
    let tids = threads.filter_map(|it| it.file_name().to_string_lossy().parse::<u32>().ok());
    tids.filter_map(|tid| wait_of(pid, tid, &open)).collect()
}

fn wait_of(pid: u32, tid: u32, open: &[Open]) -> Option<Wait> {
    let line = fs::read_to_string(format!("/proc/{pid}/task/{tid}/syscall")).ok()?;
    let (name, arguments) = system_call(&line)?;
    let first = arguments[0];
    let behind = fs::read_link(format!("/proc/{pid}/fd/{first}")).ok();
    let behind = behind.map(|it| it.to_string_lossy().into_owned());
    let mut holders = Vec::new();
    let (call, object, because) = match (name, behind) {
        ("accept", Some(target)) => (
            format!("accept({first} {target})"),
            target,
            "nobody has connected".to_owned(),
        ),
        ("read" | "write" | "recv" | "send", Some(target)) if target.starts_with("socket:") => {
            holders = holders::of_socket(open, pid, first as u32, &target);
            let because = holders::told(&holders, pid, OTHER_END, NO_END);
            (format!("{name}({first} {target})"), target, because)
        }
        ("read" | "write" | "recv" | "send", Some(target)) => {
            let writes = name == "write";
            holders = holders::of_end(open, &target, writes);
            let because = end_told(&holders, writes, pid);
            (format!("{name}({first} {target})"), target, because)
        }
        ("mq_receive" | "mq_send", Some(queue)) => {
            let full = name == "mq_send";
            holders = holders::of_end(open, &queue, full);
            let why = if full { FULL } else { "the queue is empty" };
            let because = format!("{why}; {}", end_told(&holders, full, pid));
            (format!("{name}({queue})"), queue, because)
        }
        ("flock" | "fcntl", Some(target)) => {
            let wanted = match name {
                "flock" => Some(Lock::flock(arguments[1])),
                _ => Lock::fcntl(pid, arguments[2]),
            };
            holders = holders::of_lock(open, &target, wanted?);
            let because = holders::told(&holders, pid, LOCKED, NO_LOCK);
            (format!("{name}({first} {target})"), target, because)
        }
        ("futex", _) => {
            // In memory of its own it waits for a thread of its own.
            let object = holders::shared_place(pid, first)?;
            holders = holders::of_mutex(pid, first);
            let because = holders::told(&holders, pid, LOCKED, "nobody has woken it");
            (format!("futex({object})"), object, because)
        }
        ("msgrcv" | "msgsnd", _) => {
            let queue = format!("queue {first}");
            let because = match name {
                "msgrcv" => empty(tid),
                _ => FULL.to_owned(),
            };
            (format!("{name}({queue})"), queue, because)
        }
        ("semop" | "semtimedop", _) => {
            let waits = semaphores(pid, &arguments);
            let numbers: Vec<_> = waits.iter().map(|(number, _)| number.to_string()).collect();
            let set = match numbers.as_slice() {
                [] => format!("set {first}"),
                numbers => format!("set {first}, semaphore {}", numbers.join(" and ")),
            };
            let because = match waits.as_slice() {
                [(_, 0)] => "the semaphore is not 0",
                _ => "the semaphore is 0",
            };
            (format!("{name}({set})"), set, because.to_owned())
        }
        ("waitpid" | "waitid", _) => {
            let child = match name {
                "waitpid" => first as i32,
                // Its first argument says what the second one is.
                _ if arguments[0] == u64::from(libc::P_PID) => arguments[1] as i32,
                _ => -1,
            };
            let object = match child {
                1.. => format!("process {}", outer(pid, child)),
                _ => "any child".to_owned(),
            };
            let because = "the child has not ended".to_owned();
            (format!("{name}({child})"), object, because)
        }
        ("open", _) => opened(pid, &arguments, open, &mut holders),
        ("rt_sigtimedwait", _) => return None,
        (name, _) => (format!("{name}()"), String::new(), MAN_PAGE.to_owned()),
    };
    let blocked = Blocked {
        pid,
        program: command_of(pid),
        call,
        time: None,
        because,
    };
    Some(Wait {
        blocked,
        object,
        holders,
    })
}

/// The id by which we know a child. In a pid namespace its parent knows it by another one, the last
/// of those that proc_pid_status(5) lists.
fn outer(parent: u32, child: i32) -> i32 {
    let file = format!("/proc/{parent}/task/{parent}/children");
    let children = fs::read_to_string(file).unwrap_or_default();
    let mut children = children.split_whitespace();
    let is_it = |pid: &&str| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let ids = status.lines().find_map(|it| it.strip_prefix("NSpid:"));
        let inner = ids.and_then(|it| it.split_whitespace().last()?.parse().ok());
        inner == Some(child)
    };
    let found = children.find(is_it).and_then(|it| it.parse().ok());
    found.unwrap_or(child)
}

/// What an open sleeps for: its path stands in the process's memory.
fn opened(
    pid: u32,
    arguments: &[u64; 6],
    open: &[Open],
    holders: &mut Vec<Holder>,
) -> (String, String, String) {
    let flags = arguments[2] as i32;
    let mode = match flags & libc::O_ACCMODE {
        libc::O_RDONLY => "O_RDONLY",
        libc::O_WRONLY => "O_WRONLY",
        _ => "O_RDWR",
    };
    let bytes = memory(pid, arguments[1], 256);
    let Some(end) = bytes.iter().position(|it| *it == 0) else {
        return ("open()".to_owned(), String::new(), MAN_PAGE.to_owned());
    };
    let path = String::from_utf8_lossy(&bytes[..end]).into_owned();
    // The paths behind descriptors begin at the root.
    let folder = fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
    let object = folder.join(&path).to_string_lossy().into_owned();
    let writes = mode == "O_WRONLY";
    *holders = holders::of_end(open, &object, writes);
    let because = end_told(holders, writes, pid);
    (format!("open({path}, {mode})"), object, because)
}

/// The semaphores that a semop takes from or waits for, those that it does not give to: the number of
/// each, and by how much it is to change, 0 to wait until it is 0.
fn semaphores(pid: u32, arguments: &[u64; 6]) -> Vec<(u16, i16)> {
    let count = arguments[2].min(16) as usize;
    let bytes = memory(pid, arguments[1], count * size_of::<libc::sembuf>());
    // sem_num, sem_op and sem_flg are two bytes each.
    let operations = bytes.chunks_exact(size_of::<libc::sembuf>());
    let all = operations.map(|it| {
        let number = u16::from_ne_bytes([it[0], it[1]]);
        (number, i16::from_ne_bytes([it[2], it[3]]))
    });
    all.filter(|(_, change)| *change <= 0).collect()
}

/// What stands in the memory of a process; less than asked for where no more pages follow.
pub(crate) fn memory(pid: u32, address: u64, most: usize) -> Vec<u8> {
    let mut bytes = vec![0; most];
    let file = File::open(format!("/proc/{pid}/mem"));
    let count = file.and_then(|it| it.read_at(&mut bytes, address));
    bytes.truncate(count.unwrap_or(0));
    bytes
}

const MAN_PAGE: &str = "see its man page";
const OTHER_END: &str = "the other end is that of";
const NO_END: &str = "nobody is known to have the other end";
const LOCKED: &str = "it is locked by";
const NO_LOCK: &str = "no process that may be seen has locked it";

/// Why msgrcv sleeps: its fourth argument is the type that it wants.
fn empty(tid: u32) -> String {
    let line = fs::read_to_string(format!("/proc/{tid}/syscall")).unwrap_or_default();
    match system_call(&line) {
        Some(("msgrcv", arguments)) if arguments[3] == 0 => "the queue is empty".into(),
        Some(("msgrcv", arguments)) => match arguments[3] as i64 {
            lowest @ ..0 => format!(
                "the queue holds no message of a type up to {}",
                lowest.unsigned_abs()
            ),
            only => format!("the queue holds no message of type {only}"),
        },
        _ => "the queue is empty".into(),
    }
}

const FULL: &str = "the queue is full";

/// The calls that wait for another process, by their numbers on this machine; with the arguments.
fn system_call(line: &str) -> Option<(&'static str, [u64; 6])> {
    let mut words = line.split(' ');
    let number: i64 = words.next()?.parse().ok()?; // "running" is none
    let mut arguments = [0; 6];
    for argument in &mut arguments {
        let word = words.next()?.strip_prefix("0x")?;
        *argument = u64::from_str_radix(word, 16).ok()?;
    }
    let names = [
        (libc::SYS_read, "read"),
        (libc::SYS_write, "write"),
        (libc::SYS_openat, "open"),
        (libc::SYS_recvfrom, "recv"),
        (libc::SYS_recvmsg, "recv"),
        (libc::SYS_sendto, "send"),
        (libc::SYS_accept, "accept"),
        (libc::SYS_accept4, "accept"),
        (libc::SYS_connect, "connect"),
        (libc::SYS_msgrcv, "msgrcv"),
        (libc::SYS_msgsnd, "msgsnd"),
        (libc::SYS_semop, "semop"),
        (libc::SYS_semtimedop, "semtimedop"),
        (libc::SYS_mq_timedreceive, "mq_receive"),
        (libc::SYS_mq_timedsend, "mq_send"),
        (libc::SYS_flock, "flock"),
        (libc::SYS_fcntl, "fcntl"),
        (libc::SYS_wait4, "waitpid"),
        (libc::SYS_waitid, "waitid"),
        (libc::SYS_futex, "futex"),
        (libc::SYS_rt_sigtimedwait, "rt_sigtimedwait"),
        (libc::SYS_ppoll, "poll"),
        (libc::SYS_clock_nanosleep, "nanosleep"),
    ];
    let known = names.iter().find(|(it, _)| *it == number);
    known.map(|(_, name)| (*name, arguments))
}

fn because(trace: &Trace, call: &Call, pid: u32, open: &[Open]) -> String {
    let object = trace.object(call);
    let Some(object) = object else {
        return match call.name.as_str() {
            "wait4" | "waitid" => "the child has not ended".into(),
            _ => "nobody has ended that wait".into(),
        };
    };
    match (call.name.as_str(), object.kind) {
        ("open" | "openat", _) => {
            let path = path_of(call).unwrap_or_default();
            let writes = call.has("O_WRONLY");
            ends(open, &path, writes, pid)
        }
        ("read" | "readv", Kind::Pipe) => {
            ends(open, &format!("pipe:[{}]", object.name), false, pid)
        }
        ("write" | "writev", Kind::Pipe) => {
            ends(open, &format!("pipe:[{}]", object.name), true, pid)
        }
        ("read" | "readv", Kind::Fifo) => ends(open, &object.name, false, pid),
        ("write" | "writev", Kind::Fifo) => ends(open, &object.name, true, pid),
        ("msgrcv" | "mq_timedreceive", _) => {
            format!("{}; {}", empty(call.tid), others(trace, &object, pid))
        }
        ("msgsnd" | "mq_timedsend", _) => format!("{FULL}; {}", others(trace, &object, pid)),
        ("semop" | "semtimedop", _) => semaphore(trace, call, &object),
        ("accept" | "accept4", _) => "nobody has connected".into(),
        (_, Kind::Unix | Kind::Tcp | Kind::Udp) => far_end(trace, call, pid, open),
        _ => others(trace, &object, pid),
    }
}

/// Who has the other end of a pipe, a FIFO or a queue open.
fn ends(open: &[Open], target: &str, wants_reader: bool, pid: u32) -> String {
    end_told(
        &holders::of_end(open, target, wants_reader),
        wants_reader,
        pid,
    )
}

fn end_told(holders: &[Holder], wants_reader: bool, pid: u32) -> String {
    let end = holders::other_end(wants_reader);
    let nobody = format!("nobody has it open {end}");
    holders::told(holders, pid, &format!("it is open {end} in"), &nobody)
}

/// Which other processes have worked on the object.
fn others(trace: &Trace, object: &Object, pid: u32) -> String {
    let mut names: Vec<_> = (trace.tasks.values())
        .filter(|task| task.pid != pid)
        .filter(|task| {
            task.calls
                .iter()
                .any(|it| trace.object(it).as_ref() == Some(object))
        })
        .map(|task| {
            let gone = if task.end.is_some() {
                ", which has ended"
            } else {
                ""
            };
            format!("{} (process {}){gone}", task.program(), task.pid)
        })
        .collect();
    names.dedup();
    match names.as_slice() {
        [] => "no other process has used it".into(),
        _ => format!("it was used by {}", names.join(" and ")),
    }
}

/// Who has taken from the semaphores that the call wants, and has not given back.
fn semaphore(trace: &Trace, call: &Call, object: &Object) -> String {
    let wanted = describe::takes(call);
    let mut holders = Vec::new();
    for task in trace.tasks.values() {
        let calls = task.calls.iter();
        let done =
            calls.filter(|it| it.value().is_some() && trace.object(it).as_ref() == Some(object));
        let mut balance = 0i64;
        for it in done {
            let count = |numbers: Vec<u16>| numbers.iter().filter(|it| wanted.contains(it)).count();
            balance += count(operations(it, |change| change < 0)) as i64;
            balance -= count(operations(it, |change| change > 0)) as i64;
        }
        if balance > 0 {
            let gone = if task.end.is_some() {
                ", which has ended"
            } else {
                ""
            };
            holders.push(format!("{} (process {}){gone}", task.program(), task.pid));
        }
    }
    let numbers: Vec<_> = wanted.iter().map(u16::to_string).collect();
    let numbers = numbers.join(" and ");
    match holders.as_slice() {
        [] => format!("semaphore {numbers} is 0, and nobody has called V since"),
        _ => format!(
            "semaphore {numbers} was taken, and not given back, by {}",
            holders.join(" and ")
        ),
    }
}

fn far_end(trace: &Trace, call: &Call, pid: u32, open: &[Open]) -> String {
    let Some((_, far)) = trace.end(call).and_then(|it| it.direction) else {
        return "nothing has come".into();
    };
    let holders = holders::of_other_end(open, &format!("socket:[{far}]"));
    holders::told(&holders, pid, OTHER_END, &format!("the other end is {far}"))
}

fn alive(tid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{tid}/stat")).unwrap_or_default();
    // The state stands behind the name, which may hold anything: a zombie has ended.
    (stat.rsplit_once(") ")).is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

pub(crate) fn command_of(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).map_or("?".into(), |it| it.trim().to_owned())
}

/// The processes that have this in their environment (`NAME=VALUE`), as their programs got it.
pub fn processes_with(variable: &str) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|it| it.file_name().to_string_lossy().parse::<u32>().ok());
    let has_it = |pid: &u32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment
            .split(|it| *it == 0)
            .any(|it| it == variable.as_bytes())
    };
    let of_the_stage = |pid: &u32| STAGE.contains(&command_of(*pid).as_str());
    pids.filter(|pid| has_it(pid) && !of_the_stage(pid))
        .collect()
}
