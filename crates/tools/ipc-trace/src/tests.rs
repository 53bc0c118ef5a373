//! The input is what strace wrote of a real run of each lesson: logs/LESSON.log.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::{
    Blocked, Holder, Kind, Outcome, Picture, Trace, Wait, Why, arrows, hang, mermaid, svg, terminal,
};

fn logs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("logs");
    let entries = fs::read_dir(folder).expect("the folder of logs");
    let mut logs: Vec<_> = entries.map(|it| it.expect("an entry").path()).collect();
    logs.sort();
    logs
}

fn trace(text: &str) -> Trace {
    let mut trace = Trace::default();
    trace.add(text, 1, "log");
    trace.connect();
    trace
}

fn lesson(name: &str) -> Trace {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("logs/{name}.log"));
    trace(&fs::read_to_string(path).expect("a log"))
}

/// Everything that can be done with a trace.
fn use_up(trace: &Trace) -> Picture {
    let arrows = arrows(trace);
    let mut picture = Picture::new(trace, &arrows, false);
    for width in [0, 40, 200] {
        assert!(!terminal(&picture, width).is_empty());
    }
    let _ = (mermaid(&picture), svg(&picture), trace.common(&["log"]));
    picture.shorten(5);
    let _ = terminal(&picture, 80);
    let _ = Picture::new(trace, &arrows, true);
    picture
}

/// What came over, as text.
fn carried(trace: &Trace, kind: Kind) -> Vec<String> {
    let arrows = arrows(trace);
    let data = arrows.iter().filter(|it| it.why == Why::Data);
    data.filter(|it| it.object.as_ref().is_some_and(|it| it.kind == kind))
        .map(|it| {
            String::from_utf8_lossy(&it.data)
                .trim_end_matches('\0')
                .to_owned()
        })
        .collect()
}

#[test]
fn a_real_log_of_every_lesson_is_read_and_drawn() {
    for path in logs() {
        let text = fs::read_to_string(&path).expect("a log");
        let trace = trace(&text);
        // One log ends in the middle of a line; nothing else may be unreadable.
        assert!(
            trace.unreadable <= 1,
            "{}: {}",
            path.display(),
            trace.unreadable
        );
        let picture = use_up(&trace);
        assert!(!picture.lanes.is_empty(), "{}", path.display());
    }
}

#[test]
fn a_log_cut_anywhere_is_read_as_far_as_it_goes() {
    for path in logs() {
        let text = fs::read_to_string(&path).expect("a log");
        // A prime number, so that lines are cut at all their places.
        for cut in (0..text.len()).step_by(4001) {
            let cut = (cut..)
                .find(|it| text.is_char_boundary(*it))
                .expect("a boundary");
            use_up(&trace(&text[..cut]));
            use_up(&trace(&text[cut..]));
        }
    }
}

#[test]
fn what_came_over_is_what_the_lesson_sends() {
    let fifo = lesson("fifo");
    assert_eq!(carried(&fifo, Kind::Fifo).concat(), "hello\nworld\n");
    assert_eq!(carried(&lesson("pipe"), Kind::Pipe), ["Hello from parent!"]);
    let queue = carried(&lesson("sysv-msgq"), Kind::SysvMsgq);
    assert_eq!(queue.len(), 3);
    assert_eq!(queue[0], "High priority message");
    assert_eq!(
        carried(&lesson("posix-msgq"), Kind::PosixMsgq),
        ["high", "middle", "low"]
    );
    for (name, kind) in [("unix-echo", Kind::Unix), ("tcp-echo", Kind::Tcp)] {
        // There and back again.
        assert_eq!(carried(&lesson(name), kind).concat().len(), 24, "{name}");
    }
    assert_eq!(carried(&lesson("udp-echo"), Kind::Udp).len(), 4);
    assert_eq!(carried(&lesson("sysv-msgq"), Kind::Pipe), [""; 0]);
}

#[test]
fn a_v_wakes_a_p_and_an_open_the_other_open() {
    let wakes = |name: &str, kind: Kind| {
        let trace = lesson(name);
        let arrows = arrows(&trace);
        let of_kind = |it: &&crate::Arrow| it.object.as_ref().is_some_and(|it| it.kind == kind);
        arrows
            .iter()
            .filter(|it| it.why == Why::Wake)
            .filter(of_kind)
            .count()
    };
    assert!(wakes("sysv-sem", Kind::SysvSem) >= 1);
    assert_eq!(wakes("fifo", Kind::Fifo), 1);
    assert_eq!(wakes("unix-echo", Kind::Unix), 1);
    // Two connections, and the shutdown that ends the last accept.
    assert_eq!(wakes("threaded-server", Kind::Tcp), 3);
}

#[test]
fn processes_of_one_program_that_share_a_segment_have_it_in_common() {
    let mut trace = Trace::default();
    trace.add(
        "1.5 shmget(0x53, 48, 0600) = 7 <0.1>\n1.7 shmat(7, NULL, 0) = 0x7f00 <0.1>\n",
        1,
        "a",
    );
    trace.add(
        "2.5 shmat(7, NULL, 0) = 0x7f10 <0.1>\n2.7 shmat(8, NULL, 0) = -1 EINVAL (x) <0.1>\n",
        2,
        "b",
    );
    trace.connect();
    let common: Vec<_> = trace
        .common(&["a", "b"])
        .into_iter()
        .map(|it| it.to_string())
        .collect();
    assert_eq!(common, ["segment 7"]);
}

#[test]
fn a_shutdown_of_the_listening_socket_wakes_who_waits_there() {
    let trace = trace(
        "1 1.000000 accept4(3<TCP:[127.0.0.1:9]>, NULL, NULL, SOCK_CLOEXEC) = 4<TCP:[127.0.0.1:9->127.0.0.1:7]> <0.000001>\n\
         2 1.500000 shutdown(4<TCP:[127.0.0.1:9->127.0.0.1:7]>, SHUT_WR) = 0 <0.000001>\n\
         1 2.000000 accept4(3<TCP:[127.0.0.1:9]>, 0x7ffe, [128], SOCK_CLOEXEC) = -1 EINVAL (Invalid argument) <0.004000>\n\
         2 2.001000 shutdown(3<TCP:[127.0.0.1:9]>, SHUT_RDWR) = 0 <0.000001>\n\
         2 2.003000 shutdown(3<TCP:[127.0.0.1:9]>, SHUT_RDWR) = -1 ENOTCONN (not connected) <0.000001>\n",
    );
    let arrows = arrows(&trace);
    let wakes = arrows.iter().filter(|it| it.why == Why::Wake);
    let wakes: Vec<_> = wakes.map(|it| (it.tail, it.head.0)).collect();
    assert_eq!(wakes, [((2, Duration::from_millis(2001)), 1)]);
}

#[test]
fn what_is_sent_before_the_accept_arrives_too() {
    let client = |tid: u32, inode: u32, name: &str| {
        format!(
            "{tid} 2.{tid} connect(3<UNIX-STREAM:[{inode}]>, {{sa_family=AF_UNIX, sun_path=\"s\"}}, 4) = 0 <0.000001>\n\
             {tid} 2.{tid}5 write(3<UNIX-STREAM:[{inode}]>, \"{name}\", 3) = 3 <0.000001>\n"
        )
    };
    // The first one's connection was known at once, as it was accepted before strace looked.
    let known = "2 2.100000 connect(3<UNIX-STREAM:[20->31]>, {sa_family=AF_UNIX, sun_path=\"s\"}, 4) = 0 <0.000001>\n\
         2 2.150000 write(3<UNIX-STREAM:[20->31]>, \"one\", 3) = 3 <0.000001>\n";
    let server = "1 3.100000 accept4(3<UNIX-STREAM:[30,\"s\"]>, NULL, NULL, 0) = 4<UNIX-STREAM:[31->20,\"s\"]> <0.000001>\n\
         1 3.200000 read(4<UNIX-STREAM:[31->20,\"s\"]>, \"one\", 9) = 3 <0.000001>\n\
         1 3.300000 accept4(3<UNIX-STREAM:[30,\"s\"]>, NULL, NULL, 0) = 5<UNIX-STREAM:[32->60,\"s\"]> <0.000001>\n\
         1 3.400000 read(5<UNIX-STREAM:[32->60,\"s\"]>, \"two\", 9) = 3 <0.000001>\n";
    let trace = trace(&[server, known, &client(6, 60, "two")].concat());
    assert_eq!(trace.unreadable, 0);
    let arrows = arrows(&trace);
    let data = arrows.iter().filter(|it| it.why == Why::Data);
    let mut came: Vec<_> = data.map(|it| (it.tail.0, it.head.0, &*it.data)).collect();
    came.sort();
    assert_eq!(came, [(2, 1, &b"one"[..]), (6, 1, b"two")]);
}

/// What strace writes of programs in another network namespace: no addresses, no other ends.
#[test]
fn connections_in_a_box_are_put_together() {
    let client = |tid: u32, inode: u32, port: u32, text: &str| {
        format!(
            "{tid} 2.{tid} connect(3<TCP:[{inode}]>, {{sa_family=AF_INET, sin_port=htons({port}), \
             sin_addr=inet_addr(\"127.0.0.1\")}}, 16) = 0 <0.000001>\n\
             {tid} 3.{tid} sendto(3<TCP:[{inode}]>, \"{text}\", 5, MSG_NOSIGNAL, NULL, 0) = 5 <0.000001>\n"
        )
    };
    let refused = "7 2.500000 connect(4<TCP:[40]>, {sa_family=AF_INET, sin_port=htons(9), \
         sin_addr=inet_addr(\"127.0.0.1\")}, 16) = -1 EINPROGRESS (in progress) <0.000001>\n";
    let server = "1 1.100000 bind(3<TCP:[30]>, {sa_family=AF_INET, sin_port=htons(0), \
         sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0 <0.000001>\n\
         1 1.200000 getsockname(3<TCP:[30]>, {sa_family=AF_INET, sin_port=htons(9), \
         sin_addr=inet_addr(\"127.0.0.1\")}, [128 => 16]) = 0 <0.000001>\n\
         1 3.500000 accept4(3<TCP:[30]>, NULL, NULL, SOCK_CLOEXEC) = 4<TCP:[31]> <0.000001>\n\
         1 3.600000 accept4(3<TCP:[30]>, NULL, NULL, SOCK_CLOEXEC) = 5<TCP:[32]> <0.000001>\n\
         1 3.700000 read(5<TCP:[32]>, \"other\", 100) = 5 <0.000001>\n\
         1 3.800000 read(4<TCP:[31]>, \"hello\", 100) = 5 <0.000001>\n";
    let pair = "9 5.100000 socketpair(AF_UNIX, SOCK_STREAM, 0, [3<UNIX:[90]>, 4<UNIX:[91]>]) = 0 <0.000001>\n\
         9 5.200000 write(3<UNIX:[90]>, \"to myself\", 9) = 9 <0.000001>\n\
         9 5.300000 read(4<UNIX:[91]>, \"to myself\", 100) = 9 <0.000001>\n";
    let (first, second) = (client(2, 20, 9, "hello"), client(6, 60, 9, "other"));
    let elsewhere = client(8, 80, 10, "never");
    let trace = trace(&[server, refused, &first, &second, &elsewhere, pair].concat());
    assert_eq!(trace.unreadable, 0);
    let arrows = arrows(&trace);
    let data = arrows.iter().filter(|it| it.why == Why::Data);
    let mut came: Vec<_> = data.map(|it| (it.tail.0, it.head.0, &*it.data)).collect();
    came.sort();
    assert_eq!(
        came,
        [
            (2, 1, &b"hello"[..]),
            (6, 1, b"other"),
            (9, 9, b"to myself")
        ]
    );
}

#[test]
fn what_is_only_looked_at_is_taken_later() {
    let from = "1 1.100000 sendto(4<TCP:[127.0.0.1:9->127.0.0.1:8]>, \"hello\", 5, 0, NULL, 0) = 5 <0.000001>\n";
    let to = |time: u32, call: &str, arguments: &str| {
        format!("2 1.{time} {call}(5<TCP:[127.0.0.1:8->127.0.0.1:9]>, {arguments} <0.000001>\n")
    };
    let vector = |text: &str, flags: &str| {
        format!(
            "{{msg_name=NULL, msg_namelen=0, msg_iov=[{{iov_base=\"{text}\", iov_len=9}}], msg_iovlen=1, \
             msg_controllen=0, msg_flags=0}}, {flags}) = {}",
            text.len()
        )
    };
    let trace = trace(
        &[
            from,
            &to(2, "recvfrom", "\"he\", 2, MSG_PEEK, NULL, NULL) = 2"),
            &to(3, "recvfrom", "\"he\", 2, 0, NULL, NULL) = 2"),
            &to(4, "recvmsg", &vector("llo", "MSG_PEEK|MSG_DONTWAIT")),
            &to(5, "recvmsg", &vector("llo", "MSG_DONTWAIT")),
        ]
        .concat(),
    );
    assert_eq!(trace.unreadable, 0);
    assert_eq!(carried(&trace, Kind::Tcp), ["he", "llo"]);
}

/// strace -T measures from a moment after the one that it notes as the beginning.
#[test]
fn what_seems_to_be_received_before_it_is_sent() {
    let trace = trace(
        "7 1.000100 read(3<pipe:[9]>, \"one\", 100) = 3 <0.000100>\n\
         8 1.000300 write(4<pipe:[9]>, \"one\", 3) = 3 <0.000010>\n\
         7 1.000400 read(3<pipe:[9]>, \"two\", 100) = 3 <0.000100>\n\
         8 1.000600 write(4<pipe:[9]>, \"not\", 3) = 3 <0.000010>\n",
    );
    assert_eq!(carried(&trace, Kind::Pipe), ["one"]);
    assert!(arrows(&trace).iter().all(|it| it.tail.1 <= it.head.1));
}

#[test]
fn an_open_that_seems_to_end_before_it_is_woken() {
    let open = |tid: u32, time: &str, flags: &str, took: &str| {
        format!(
            "{tid} {time} openat(AT_FDCWD</tmp>, \"fifo\", {flags}) = 3</tmp/fifo> <{took}>\n\
             {tid} 9.{tid} read(3</tmp/fifo>, \"\", 10) = 0 <0.000001>\n"
        )
    };
    let made = "7 0.500000 mknodat(AT_FDCWD</tmp>, \"fifo\", S_IFIFO|0600) = 0 <0.000001>\n";
    let writer = open(7, "1.000000", "O_WRONLY", "0.100000");
    let reader = open(8, "1.100030", "O_RDONLY", "0.000010");
    let late = open(9, "1.500000", "O_RDONLY", "0.000010");
    let trace = trace(&[made, &writer, &reader, &late].concat());
    let arrows = arrows(&trace);
    let woken: Vec<_> = (arrows.iter().filter(|it| it.why == Why::Wake))
        .map(|it| (it.tail.0, it.head.0, it.tail.1 <= it.head.1))
        .collect();
    assert_eq!(woken, [(8, 7, true)]);
}

#[test]
fn a_call_that_never_sleeps_is_one_row_however_long_it_takes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("logs/pipe.log");
    let log = fs::read_to_string(path).expect("a log");
    let slow = |line: &str| match line.rsplit_once('<') {
        Some((call, _)) if line.contains(" pipe2(") => format!("{call}<0.012000>"),
        _ => line.to_owned(),
    };
    let log: Vec<_> = log.lines().map(slow).collect();
    let picture = use_up(&trace(&log.join("\n")));
    let rows: Vec<_> = picture.events.iter().map(|it| it.text.as_str()).collect();
    assert!(rows.contains(&"pipe() = 3, 4"), "{rows:?}");
}

#[test]
fn interleaved_calls_are_put_together() {
    let trace = trace(
        "7 1.000001 read(3<pipe:[9]>,  <unfinished ...>\n\
         8 1.000002 write(4<pipe:[9]>, \"hi\", 2 <unfinished ...>\n\
         7 1.000009 <... read resumed>\"hi\", 100) = 2 <0.000008>\n\
         8 1.000010 <... write resumed>) = 2 <0.000008>\n\
         [pid     8] 1.000020 msgrcv(5,  <unfinished ...>) = ?\n\
         [pid     8] 1.000030 +++ killed by SIGKILL +++\n",
    );
    assert_eq!(trace.unreadable, 0);
    assert_eq!(carried(&trace, Kind::Pipe), ["hi"]);
    let read = &trace.tasks[&7].calls[0];
    assert_eq!(read.took, Some(Duration::from_micros(8)));
    assert_eq!(read.outcome, Outcome::Returned(2, None));
    assert_eq!(trace.unfinished(8).expect("unfinished").name, "msgrcv");
}

#[test]
fn two_writers_are_told_apart_by_what_they_wrote() {
    let trace = trace(
        "1 1.1 write(4<pipe:[9]>, \"one\", 3) = 3 <0.000001>\n\
         2 1.2 write(4<pipe:[9]>, \"two\", 3) = 3 <0.000001>\n\
         3 1.3 read(3<pipe:[9]>, \"onetwo\", 100) = 6 <0.000001>\n",
    );
    let arrows = arrows(&trace);
    let tails: Vec<_> = arrows.iter().map(|it| (it.tail.0, it.length)).collect();
    assert_eq!(tails, [(1, 3), (2, 3)]);
}

#[test]
fn thousands_of_lines_a_second() {
    let mut text = String::new();
    for round in 0..20_000 {
        let (pid, other) = (1 + round % 2, 2 - round % 2);
        text += &format!(
            "{pid} {round}.1 semop(5, [{{sem_num=0, sem_op=-1, sem_flg=0}}], 1) = 0 <0.2>\n\
             {other} {round}.2 semop(5, [{{sem_num=0, sem_op=1, sem_flg=0}}], 1) = 0 <0.1>\n\
             {pid} {round}.3 write(4<pipe:[9]>, \"x\", 1) = 1 <0.1>\n\
             {other} {round}.4 read(3<pipe:[9]>, \"x\", 1) = 1 <0.1>\n"
        );
    }
    let start = Instant::now();
    let trace = trace(&text);
    let all = arrows(&trace);
    assert_eq!(all.iter().filter(|it| it.why == Why::Data).count(), 20_000);
    let mut picture = Picture::new(&trace, &all, false);
    assert!(picture.shorten(100) > 1000);
    // A debug build on a busy machine; what grows with the square takes minutes.
    assert!(
        start.elapsed() < Duration::from_secs(30),
        "{:?}",
        start.elapsed()
    );
}

fn wait(pid: u32, program: &str, call: &str, object: &str) -> Wait {
    Wait {
        blocked: Blocked {
            pid,
            program: program.into(),
            call: call.into(),
            time: None,
            because: "nobody has it open for writing".into(),
        },
        object: object.into(),
        holders: Vec::new(),
    }
}

#[test]
fn the_picture_of_a_hang_names_who_waits_and_who_holds() {
    let mut read = wait(12, "child", "read(3 pipe:[7])", "pipe:[7]");
    read.holders = vec![Holder {
        pid: 11,
        program: "parent".into(),
        how: "open for writing, descriptor 4".into(),
    }];
    let svg = hang(&[read, wait(11, "parent", "waitpid(2)", "process 2")]);
    for text in [
        ">child (12)<",
        ">parent (11)<",
        ">waits: read(3 pipe:[7])<",
        ">holds: open for writing, descriptor 4<",
        ">waits: waitpid(2)<",
        ">pipe:[7]<",
        ">process 2<",
    ] {
        assert_eq!(svg.matches(text).count(), 1, "{text} in {svg}");
    }
}

#[test]
fn a_picture_of_a_hang_is_of_bounded_size_and_what_programs_chose_is_text() {
    let hostile = "</text><script>alert('\u{1b}\u{202e}&amp;\u{ffff}')</script>".repeat(20);
    let mut waits: Vec<_> = (0..500)
        .map(|pid| wait(pid, &hostile, &hostile, &format!("{pid}{hostile}")))
        .collect();
    for wait in &mut waits {
        let holder = |pid| Holder {
            pid,
            program: hostile.clone(),
            how: format!("{pid}{hostile}"),
        };
        wait.holders = (0..500).map(holder).collect();
    }
    let svg = hang(&waits);
    assert!(svg.len() < 64 << 10, "{} bytes", svg.len());
    assert!(svg.contains("&lt;/text&gt;&lt;script&gt;") && !svg.contains("<script"));
    assert!(!svg.contains(['\u{1b}', '\u{202e}', '\u{ffff}']));
}
