//! A call in words as short as its line in the picture.

use crate::arrow::{bytes, member, operations, port_of};
use crate::ends::{pair_of, path_of};
use crate::object::{Kind, Object, short, shown_path};
use crate::strace::{Call, Descriptor, Outcome, Value};
use crate::trace::Trace;

/// The name under which a C program calls it.
fn name(call: &Call) -> &str {
    let has_timeout = |place| call.argument(place).is_some_and(|value| !value.has("NULL"));
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
    let end = || match (descriptor(call), &object) {
        (Some(fd), Some(object)) => format!("{} {object}", fd.name()),
        (None, Some(object)) => object.to_string(),
        (Some(fd), None) => fd.name(),
        (None, None) => call.shown(0),
    };
    let data = |place| shown(&bytes(call, place));
    let arguments = match call.name.as_str() {
        "pipe" | "pipe2" | "fork" | "vfork" | "clone" | "clone3" | "socketpair" => String::new(),
        "execve" => {
            let words = call
                .argument(1)
                .map_or(Vec::new(), Value::items)
                .into_iter();
            let words: Vec<_> = words.map(|word| shown_path(word.bytes())).collect();
            return format!("exec {}", words.join(" "));
        }
        "open" | "openat" => {
            let flags = call.shown(if call.name == "open" { 1 } else { 2 });
            let kept: Vec<_> = (flags.split('|'))
                .filter(|it| !matches!(*it, "O_CLOEXEC" | "O_NOFOLLOW" | "O_LARGEFILE"))
                .collect();
            format!("{}, {}", end_path(trace, call, &end()), kept.join("|"))
        }
        "mknod" | "mknodat" | "unlink" | "unlinkat" => end_path(trace, call, &end()),
        "write" | "send" | "sendto" => format!("{}, {}", end(), data(1)),
        "msgsnd" => {
            let kind = call.argument(1).and_then(|message| message.field("mtype"));
            let kind = kind.map_or("?".into(), Value::to_string);
            format!("{}, type {kind}, {}", end(), shown(&member(call, "mtext")))
        }
        // Before it returns, strace has written the queue alone.
        "msgrcv" if call.took.is_none() => end(),
        "msgrcv" => format!("{}, type {}", end(), call.shown(3)),
        "mq_timedsend" => format!("{}, {}, priority {}", end(), data(1), call.shown(3)),
        "read" | "recv" | "recvfrom" | "mq_timedreceive" | "recvmsg" | "readv" | "close"
        | "writev" | "sendmsg" | "ftruncate" | "shmat" | "listen" | "accept" | "accept4" => end(),
        "semop" | "semtimedop" => {
            let all = call.argument(1).map_or(Vec::new(), Value::items);
            let all = all.into_iter().filter_map(|one| {
                let number = one.field("sem_num")?;
                let change = one.field("sem_op")?.int()?;
                Some(format!("sem {number}: {change:+}"))
            });
            format!("{}, {}", call.shown(0), all.collect::<Vec<_>>().join(", "))
        }
        "msgget" | "semget" | "shmget" => call.shown(0),
        "msgctl" | "shmctl" => format!("{}, {}", call.shown(0), call.shown(1)),
        "semctl" => list(&call.arguments[..3.min(call.arguments.len())]),
        "mmap" => format!(
            "{}, {}",
            object.map_or(String::new(), |it| it.to_string()),
            call.shown(1)
        ),
        "mq_open" | "mq_unlink" | "mq_getsetattr" => object.map_or(String::new(), |it| it.name),
        "bind" | "connect" => address(call),
        "wait4" | "waitid" => match call.shown(0).as_str() {
            "-1" | "P_ALL" | "" => "any child".into(),
            pid => pid.into(),
        },
        "kill" | "tgkill" | "tkill" | "shutdown" | "dup2" | "dup3" => {
            let plain = |value: &Value| match value.descriptor() {
                Some(fd) => fd.name(),
                None => value.to_string(),
            };
            let plain: Vec<_> = call.arguments.iter().map(plain).collect();
            plain.join(", ")
        }
        "socket" => {
            let kind = call.shown(1);
            let kind = kind.split('|').next().unwrap_or("");
            format!("{}, {kind}", call.shown(0))
        }
        "exit_group" | "rt_sigtimedwait" => call.shown(0),
        "poll" | "ppoll" => format!("{} ms", call.shown(2)),
        _ => list(&call.arguments),
    };
    format!("{}({arguments})", name(call))
}

fn list(arguments: &[Value]) -> String {
    let shown: Vec<_> = arguments.iter().map(Value::to_string).collect();
    shown.join(", ")
}

fn descriptor(call: &Call) -> Option<&Descriptor> {
    call.argument(0)?.descriptor()
}

fn end_path(trace: &Trace, call: &Call, object: &str) -> String {
    path_of(call).map_or(object.to_owned(), |path| short(&trace.relative(&path)))
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
                "msgrcv" => member(call, "mtext"),
                _ => bytes(call, 1),
            };
            data.truncate(usize::try_from(*length).unwrap_or(0));
            format!("= {length} {}", shown(&data))
        }
        Outcome::Returned(0, Some(note)) if note.has("Timeout") => "= 0 timeout".into(),
        Outcome::Returned(0, _)
            if matches!(call.name.as_str(), "pipe" | "pipe2" | "socketpair") =>
        {
            let pair = pair_of(call).into_iter().filter_map(Value::descriptor);
            let fds: Vec<_> = pair.map(Descriptor::name).collect();
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
    let Some(address) = call.argument(1) else {
        return String::new();
    };
    match (port_of(address), address.field("sun_path")) {
        (Some(port), _) => format!("port {port}"),
        (None, Some(path)) => shown_path(path.bytes()),
        _ => address.to_string(),
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
        "fork" | "vfork" | "clone" | "clone3" => !call.has("CLONE_THREAD"),
        "wait4" | "waitid" | "kill" | "tgkill" | "tkill" => true,
        "dup2" | "dup3" | "fcntl" | "setsockopt" | "mq_getsetattr" | "futex" => false,
        "rt_sigtimedwait" | "exit_group" | "clock_nanosleep" => false,
        // Only to look whether standard input, output and error are open.
        "poll" | "ppoll" => call.argument(2).and_then(Value::int) != Some(0),
        "mmap" => {
            let object = trace.object(call);
            object.is_some_and(|it| it.kind == Kind::PosixShm)
        }
        "open" | "openat" if call.has("O_DIRECTORY") => false,
        // Standard input, output and error are the shell's affair, unless it has made a pipe of them.
        "close" if descriptor(call).is_some_and(|fd| matches!(fd.number, Some(0..=2))) => {
            let object = trace.object(call);
            object.is_some_and(|it| matches!(it.kind, Kind::Pipe | Kind::Fifo))
        }
        "msgctl" | "shmctl" | "semctl" => {
            let place = if call.name == "semctl" { 2 } else { 1 };
            let command = call.argument(place);
            !command.is_some_and(|command| command.has("IPC_STAT") || command.has("GETVAL"))
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
    let fd = descriptor(call)?.number?;
    let prints = call.name == "write" && matches!(fd, 1 | 2) && call.value().is_some();
    prints.then(|| format!("prints {}", shown(&bytes(call, 1))))
}

/// The semaphores that a call would take from.
pub(crate) fn takes(call: &Call) -> Vec<u16> {
    operations(call, |change| change < 0)
}
