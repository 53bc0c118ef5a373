//! A call in words as short as its line in the picture.

use crate::arrow::{bytes, operations};
use crate::log::{Call, Outcome};
use crate::object::{Kind, Object, short};
use crate::text;
use crate::trace::{self, Trace};

/// The name under which a C program calls it.
fn name(call: &Call) -> &str {
    let has_timeout = |place: usize| !matches!(call.argument(place), "NULL" | "");
    match call.name.as_str() {
        "openat" => "open",
        "pipe2" => "pipe",
        "mknod" | "mknodat" => "mkfifo",
        "unlinkat" => "unlink",
        "clone" | "clone3" | "vfork" => "fork",
        "wait4" => "waitpid",
        "accept4" => "accept",
        "sendto" => "send",
        "recvfrom" => "recv",
        "mq_timedsend" if !has_timeout(4) => "mq_send",
        "mq_timedreceive" if !has_timeout(4) => "mq_receive",
        "semtimedop" if !has_timeout(3) => "semop",
        "rt_sigtimedwait" => "sigwait",
        "dup3" => "dup2",
        "exit_group" => "exit",
        other => other,
    }
}

/// What is asked: `msgsnd(queue 2, type 1, "Low")`; without what came of it.
pub(crate) fn asked(trace: &Trace, call: &Call) -> String {
    let object = trace.object(call).map(|it| Object {
        name: trace.relative(&it.name),
        ..it
    });
    // The descriptor and what it stands for: `3 pipe`.
    let end = || match (text::descriptor(call.argument(0)), &object) {
        (Some((fd, _)), Some(object)) => format!("{fd} {object}"),
        (None, Some(object)) => object.to_string(),
        (Some((fd, _)), None) => fd.to_owned(),
        (None, None) => call.argument(0).to_owned(),
    };
    let arguments = match call.name.as_str() {
        "pipe" | "pipe2" | "fork" | "vfork" | "clone" | "clone3" | "socketpair" => String::new(),
        "execve" => {
            let words: Vec<_> = text::arguments(trace::inside(call.argument(1)));
            let words = words.iter().map(|it| bytes(it));
            let words: Vec<_> = words
                .map(|it| String::from_utf8_lossy(&it).into_owned())
                .collect();
            return format!("exec {}", words.join(" "));
        }
        "open" | "openat" => {
            let flags = call.argument(if call.name == "open" { 1 } else { 2 });
            let kept: Vec<_> = (flags.split('|'))
                .filter(|it| !matches!(*it, "O_CLOEXEC" | "O_NOFOLLOW" | "O_LARGEFILE"))
                .collect();
            format!("{}, {}", end_path(trace, call, &end()), kept.join("|"))
        }
        "mknod" | "mknodat" | "unlink" | "unlinkat" => end_path(trace, call, &end()),
        "write" | "send" | "sendto" => format!("{}, {}", end(), shown(&bytes(call.argument(1)))),
        "msgsnd" => {
            let kind = text::field(call.argument(1), "mtype").unwrap_or("?");
            let data = bytes(text::field(call.argument(1), "mtext").unwrap_or(""));
            format!("{}, type {kind}, {}", end(), shown(&data))
        }
        // Before it returns, strace has written the queue alone.
        "msgrcv" if call.took.is_none() => end(),
        "msgrcv" => format!("{}, type {}", end(), call.argument(3)),
        "mq_timedsend" => {
            let data = shown(&bytes(call.argument(1)));
            format!("{}, {data}, priority {}", end(), call.argument(3))
        }
        "read" | "recv" | "recvfrom" | "mq_timedreceive" | "recvmsg" | "readv" | "close"
        | "writev" | "sendmsg" | "ftruncate" | "shmat" | "listen" | "accept" | "accept4" => end(),
        "semop" | "semtimedop" => {
            let all = text::arguments(trace::inside(call.argument(1)));
            let all = all.iter().filter_map(|it| {
                let number = text::field(it, "sem_num")?;
                let change: i32 = text::field(it, "sem_op")?.parse().ok()?;
                Some(format!("sem {number}: {change:+}"))
            });
            format!(
                "{}, {}",
                call.argument(0),
                all.collect::<Vec<_>>().join(", ")
            )
        }
        "msgget" | "semget" | "shmget" => call.arguments[..1.min(call.arguments.len())].join(""),
        "msgctl" | "shmctl" => format!("{}, {}", call.argument(0), call.argument(1)),
        "semctl" => call.arguments[..3.min(call.arguments.len())].join(", "),
        "mmap" => format!(
            "{}, {}",
            object.map_or(String::new(), |it| it.to_string()),
            call.argument(1)
        ),
        "mq_open" | "mq_unlink" | "mq_getsetattr" => object.map_or(String::new(), |it| it.name),
        "bind" | "connect" => address(call),
        "wait4" | "waitid" => match call.argument(0) {
            "-1" | "P_ALL" | "" => "any child".into(),
            pid => pid.into(),
        },
        "kill" | "tgkill" | "tkill" | "shutdown" | "dup2" | "dup3" => {
            let plain = |it: &String| {
                text::descriptor(it)
                    .map_or(it.as_str(), |it| it.0)
                    .to_owned()
            };
            call.arguments
                .iter()
                .map(plain)
                .collect::<Vec<_>>()
                .join(", ")
        }
        "socket" => {
            let kind = call.argument(1).split('|').next().unwrap_or("");
            format!("{}, {kind}", call.argument(0))
        }
        "exit_group" => call.argument(0).into(),
        "rt_sigtimedwait" => call.argument(0).into(),
        "poll" | "ppoll" => format!("{} ms", call.argument(2)),
        _ => call.arguments.join(", "),
    };
    format!("{}({arguments})", name(call))
}

fn end_path(trace: &Trace, call: &Call, object: &str) -> String {
    trace::path_of(call).map_or(object.to_owned(), |path| short(&trace.relative(&path)))
}

/// What came of it: `= 18 "Hello"`, `= ENXIO`; empty where success says it all.
pub(crate) fn came(call: &Call) -> String {
    let receives = matches!(
        call.name.as_str(),
        "read" | "recv" | "recvfrom" | "msgrcv" | "mq_timedreceive" | "readv" | "recvmsg"
    );
    match &call.outcome {
        Outcome::None => String::new(),
        Outcome::Failed(errno) => format!("= {errno}"),
        Outcome::Returned(0, _) if receives && call.name != "msgrcv" => "= 0 end-of-file".into(),
        Outcome::Returned(length, _) if receives => {
            let mut data = match call.name.as_str() {
                "msgrcv" => bytes(text::field(call.argument(1), "mtext").unwrap_or("")),
                _ => bytes(call.argument(1)),
            };
            data.truncate(usize::try_from(*length).unwrap_or(0));
            format!("= {length} {}", shown(&data))
        }
        Outcome::Returned(0, note) if note.contains("Timeout") => "= 0 timeout".into(),
        Outcome::Returned(0, _)
            if matches!(call.name.as_str(), "pipe" | "pipe2" | "socketpair") =>
        {
            let pair = call.arguments.iter().find(|it| it.starts_with('['));
            let pair = text::arguments(trace::inside(pair.map_or("", String::as_str)));
            let fds: Vec<_> = pair
                .iter()
                .filter_map(|it| text::descriptor(it))
                .map(|it| it.0)
                .collect();
            format!("= {}", fds.join(", "))
        }
        Outcome::Returned(0, _) | Outcome::Returned(_, _) if call.name.starts_with("shmat") => {
            String::new()
        }
        Outcome::Returned(0, _) => String::new(),
        Outcome::Returned(..) if call.name == "mmap" => String::new(),
        Outcome::Returned(value, _) => format!("= {value}"),
    }
}

fn address(call: &Call) -> String {
    let address = call.argument(1);
    let port = text::field(address, "sin_port").or(text::field(address, "sin6_port"));
    match (port, text::field(address, "sun_path")) {
        (Some(port), _) => {
            let port = port.trim_start_matches("htons(").trim_end_matches(')');
            format!("port {port}")
        }
        (None, Some(path)) => String::from_utf8_lossy(&bytes(path)).into_owned(),
        _ => address.to_owned(),
    }
}

/// Bytes as a program's reader would like to see them: `"hello\n"`, cut where it gets long.
pub(crate) fn shown(data: &[u8]) -> String {
    let text = String::from_utf8_lossy(data);
    let text = text.trim_end_matches('\0');
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}

/// Whether it tells of communication: what starts a program up does not.
pub(crate) fn tells(trace: &Trace, call: &Call) -> bool {
    let quiet = [
        "/usr/",
        "/lib",
        "/etc/",
        "/proc/",
        "/sys/",
        "/bin/",
        "/dev/null",
        "/dev/urandom",
    ];
    match call.name.as_str() {
        "execve" => call.value().is_some(),
        "fork" | "vfork" | "clone" | "clone3" => {
            !call.arguments.iter().any(|it| it.contains("CLONE_THREAD"))
        }
        "wait4" | "waitid" | "kill" | "tgkill" | "tkill" => true,
        "dup2" | "dup3" | "fcntl" | "setsockopt" | "mq_getsetattr" | "futex" => false,
        "rt_sigtimedwait" | "exit_group" | "clock_nanosleep" => false,
        // Only to look whether standard input, output and error are open.
        "poll" | "ppoll" => call.argument(2) != "0",
        "mmap" => {
            let object = trace.object(call);
            object.is_some_and(|it| it.kind == Kind::PosixShm)
        }
        "open" | "openat" if call.arguments.iter().any(|it| it.contains("O_DIRECTORY")) => false,
        // Standard input, output and error are the shell's affair, unless it has made a pipe of them.
        "close"
            if matches!(
                text::descriptor(call.argument(0)),
                Some(("0" | "1" | "2", _))
            ) =>
        {
            let object = trace.object(call);
            object.is_some_and(|it| matches!(it.kind, Kind::Pipe | Kind::Fifo))
        }
        "msgctl" | "shmctl" | "semctl" => {
            !matches!(call.argument(1), "IPC_STAT")
                && !matches!(call.argument(2), "IPC_STAT" | "GETVAL")
        }
        "socket" | "close" | "connect" if trace.is_idle_socket(call) => false,
        "socket" => call.value().is_some(),
        _ => trace.object(call).is_some_and(|object| {
            let is_quiet = |name: &str| quiet.iter().any(|it| name.starts_with(it));
            object.kind != Kind::File || !(is_quiet(&object.name) || trace.is_folder(&object.name))
        }),
    }
}

/// Whether a call may have to wait for what another process does.
pub(crate) fn sleeps(trace: &Trace, call: &Call) -> bool {
    match call.name.as_str() {
        "open" | "openat" => trace.object(call).is_some_and(|it| it.kind == Kind::Fifo),
        "read" | "readv" | "recvfrom" | "recvmsg" | "accept" | "accept4" | "connect" => true,
        "write" | "writev" | "sendto" | "sendmsg" | "sendfile" | "splice" | "vmsplice" => true,
        "msgrcv" | "msgsnd" | "mq_timedreceive" | "mq_timedsend" | "semop" | "semtimedop" => true,
        "wait4" | "waitid" | "rt_sigtimedwait" | "clock_nanosleep" | "futex" | "flock" => true,
        "poll" | "ppoll" | "select" | "pselect6" | "epoll_wait" => true,
        _ => false,
    }
}

/// What a program prints on its standard output or error: not for another one to read.
pub(crate) fn printed(call: &Call) -> Option<String> {
    let (fd, _) = text::descriptor(call.argument(0))?;
    let prints = call.name == "write" && matches!(fd, "1" | "2") && call.value().is_some();
    prints.then(|| format!("prints {}", shown(&bytes(call.argument(1)))))
}

/// The semaphores that a call would take from.
pub(crate) fn takes(call: &Call) -> Vec<u16> {
    operations(call, |change| change < 0)
}
