//! What strace 6.1 has written of programs with hostile names and data; and every real log.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::lexer::tokens;
use super::line::{self, Line};
use super::parser::Parser;
use super::{Behind, Call, End, Outcome, Record, Value, read};

fn values(text: &str) -> Vec<Value> {
    let tokens = tokens(text.as_bytes()).expect("tokens");
    let mut parser = Parser::new(text.as_bytes(), &tokens);
    let values = parser.values(0);
    assert_eq!(parser.peek(), None, "{text}");
    values
}

fn value(text: &str) -> Value {
    let mut values = values(text);
    assert_eq!(values.len(), 1, "{text}");
    values.remove(0)
}

/// The call on a line of a log.
fn call(text: &str) -> Call {
    match line::parse(format!("1.5 {text}").as_bytes(), 7) {
        Some((7, Line::Call(call))) => call,
        other => panic!("{text}: {other:?}"),
    }
}

fn path(value: &Value) -> &[u8] {
    match &value.descriptor().expect("a descriptor").behind {
        Behind::Path(path) => path,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_string_does_not_change_how_the_rest_is_read() {
    let hostile = [
        r#" read(3<pipe:[1]>, \"\", 8192) = 0 <0.000010>"#,
        r"<unfinished ...>",
        r") = 0 <0.1>",
        r#"\", 5) = 0 <0.000001>"#,
        r"\\\\",
        r"a\nb\tc\0\1\377\303",
        r"/* ]})>,| => = ",
        r"+++ exited with 0 +++",
    ];
    for text in hostile {
        let call = call(&format!(
            "write(4<pipe:[9]>, \"{text}\", 44) = 44 <0.000014>"
        ));
        assert_eq!(call.name, "write");
        assert_eq!(call.arguments.len(), 3, "{text}");
        assert_eq!(call.arguments[2].int(), Some(44), "{text}");
        assert_eq!(call.outcome, Outcome::Returned(44, None), "{text}");
        assert_eq!(call.took, Some(Duration::from_micros(14)), "{text}");
        assert!(!call.unfinished, "{text}");
        // Inside of other values, too.
        let exec = format!(
            "execve(\"/bin/{text}\", [\"{text}\", \"{text}\"], 0x7f /* 2 vars */) = 0 <0.1>"
        );
        let exec = self::call(&exec);
        assert_eq!(exec.arguments.len(), 3, "{text}");
        assert_eq!(exec.arguments[1].items().len(), 2, "{text}");
        let sent = format!(
            "writev(1</x>, [{{iov_base=\"{text}\", iov_len=9}}, {{iov_base=\"\", iov_len=0}}], 2) = 9 <0.1>"
        );
        let sent = self::call(&sent);
        assert_eq!(sent.arguments[1].items().len(), 2, "{text}");
        assert_eq!(sent.value(), Some(9), "{text}");
    }
}

#[test]
fn bytes_of_a_string() {
    let bytes = |text: &str| value(text).text().expect("a string").clone();
    assert_eq!(bytes(r#""\1012\n\"x\\""#).bytes, b"A2\n\"x\\");
    assert_eq!(bytes(r#""\0761\76a""#).bytes, b">1>a");
    assert_eq!(bytes(r#""\x93\x6e\xff""#).bytes, [0x93, 0x6e, 0xff]);
    assert!(bytes(r#""ab"..."#).cut && !bytes(r#""ab...""#).cut);
    assert!(bytes(r#"@"ab""#).unnamed);
    // The line ends inside the string.
    assert!(bytes(r#""ab"#).cut);
}

#[test]
fn a_path_never_looks_like_anything_else() {
    // As strace has written it, and what the program had called its file.
    let paths: [(&str, &[u8]); 9] = [
        ("/d/pipe:[1]", b"/d/pipe:[1]"),
        (r#"/d/x\76, \"\", 1) = 0"#, b"/d/x>, \"\", 1) = 0"),
        (r"/d/a -\76 b", b"/d/a -> b"),
        (r#"/d/q\"uo\\te"#, b"/d/q\"uo\\te"),
        (r"/d/new\nline\ttab", b"/d/new\nline\ttab"),
        (r"/d/inv\377\303alid", b"/d/inv\xff\xc3alid"),
        (r"/d/\74pipe:[1]\76", b"/d/<pipe:[1]>"),
        (r"/d/TCP:[1-\0762]", b"/d/TCP:[1->2]"),
        ("/d/ends in -", b"/d/ends in -"),
    ];
    for (shown, real) in paths {
        for behind in ["", "(deleted)"] {
            let call = call(&format!(
                "read(3<{shown}>{behind}, \"\", 8192) = 0 <0.000010>"
            ));
            assert_eq!(path(&call.arguments[0]), real);
            assert_eq!(call.arguments.len(), 3);
            assert_eq!(call.value(), Some(0));
        }
        let opened =
            format!("openat(AT_FDCWD</d>, \"x\", O_RDWR|O_CREAT, 0600) = 3<{shown}> <0.000151>");
        let opened = call(&opened);
        assert_eq!(path(opened.returned().expect("a descriptor")), real);
        assert_eq!(opened.value(), Some(3));
        assert!(opened.has("O_CREAT") && !opened.has("O_CLOEXEC"));
    }
    let device = value("7</dev/null<char 1:3>>");
    assert_eq!(path(&device), b"/dev/null");
    let memory = value(r#"8</memfd:m\76, \"x>(deleted)"#);
    assert_eq!(path(&memory), b"/memfd:m>, \"x");
}

#[test]
fn what_has_no_path() {
    let object = |text: &str| match value(text)
        .descriptor()
        .expect("a descriptor")
        .behind
        .clone()
    {
        Behind::Object {
            kind,
            near,
            far,
            path,
        } => (kind, near, far, path.map(|path| path.bytes)),
        Behind::Path(path) => panic!("{path:?}"),
    };
    let plain = |kind: &str, near: &str| (kind.to_owned(), near.to_owned(), None, None);
    assert_eq!(object("3<pipe:[7]>"), plain("pipe", "7"));
    assert_eq!(
        object("3<anon_inode:[eventfd]>"),
        plain("anon_inode", "eventfd")
    );
    assert_eq!(
        object("3<anon_inode:inotify>"),
        plain("anon_inode", "inotify")
    );
    assert_eq!(object("3<UDPv6:[[::1]:345]>"), plain("UDPv6", "[::1]:345"));
    let far = Some("127.0.0.1:2".to_owned());
    let tcp = ("TCP".to_owned(), "127.0.0.1:1".to_owned(), far, None);
    assert_eq!(object("3<TCP:[127.0.0.1:1->127.0.0.1:2]>"), tcp);
    // The name of a socket is in quotes, and `>` stands there as it is.
    let socket = object(r#"5<UNIX-STREAM:[645->642,"so>ck\"]> = 0"]>"#);
    let (far, name) = (Some("642".to_owned()), Some(b"so>ck\"]> = 0".to_vec()));
    assert_eq!(socket, ("UNIX-STREAM".into(), "645".into(), far, name));
    let unnamed = object(r#"6<UNIX-STREAM:[649,@"abs\"]>, = \377 x"]>"#);
    assert_eq!(unnamed.3, Some(b"abs\"]>, = \xff x".to_vec()));
}

#[test]
fn results() {
    let result = |text: &str| call(&format!("f(1) {text}")).outcome;
    let failed = |errno: &str| Outcome::Failed(errno.into());
    assert_eq!(
        result("= -1 ENOENT (No such file or directory) <0.1>"),
        failed("ENOENT")
    );
    assert_eq!(
        result("= ? ERESTARTSYS (To be restarted if SA_RESTART is set) <0.1>"),
        failed("ERESTARTSYS")
    );
    assert_eq!(result("        = ?"), Outcome::None);
    assert_eq!(result("= -1 <0.1>"), Outcome::Returned(-1, None));
    assert_eq!(
        result("= 0x8000 (flags O_RDONLY|O_LARGEFILE) <0.1>").clone(),
        {
            let note = Value::Raw("flags O_RDONLY|O_LARGEFILE".into());
            Outcome::Returned(0x8000, Some(note))
        }
    );
    let polled = call(
        "poll([{fd=3<pipe:[9]>, events=POLLIN}], 1, -1) = 1 ([{fd=3, revents=POLLIN|POLLHUP}]) <0.1>",
    );
    let told = polled.returned().expect("a list").items()[0]
        .field("revents")
        .cloned();
    assert!(told.expect("what came").has("POLLHUP"));
    assert_eq!(polled.arguments.len(), 3);
    let here = call("fork() = 2 /* 1234 in strace's PID NS */ <0.1>");
    assert_eq!(here.value(), Some(1234));
}

#[test]
fn members_are_of_structs_alone() {
    let message = value(r#"{mtype=3, mtext="mtype=4, b"}"#);
    assert_eq!(message.field("mtype").and_then(Value::int), Some(3));
    assert_eq!(message.field("mtext").expect("text").bytes(), b"mtype=4, b");
    assert_eq!(value(r#""mtype=3""#).field("mtype"), None);
    let clone = value(
        "{flags=CLONE_VM|CLONE_VFORK, exit_signal=SIGCHLD, stack=0x7f} => {parent_tid=[29454]}",
    );
    assert!(clone.field("flags").expect("flags").has("CLONE_VFORK"));
    assert!(
        call("clone(child_stack=NULL, flags=CLONE_VM|SIGCHLD, child_tidptr=0x7f) = 5 <0.1>")
            .has("CLONE_VM")
    );
    assert!(!call("write(1</x>, \"CLONE_VM\", 8) = 8 <0.1>").has("CLONE_VM"));
}

#[test]
fn lines_that_strace_does_not_write() {
    for text in [
        "",
        "x",
        "1.5",
        "1.5 read",
        "1.5 read) = 0 <0.1>",
        "1.5 re ad(3) = 0 <0.1>",
        "1.5 read(3] = 0 <0.1>",
        "1.5 read(3) + 0 <0.1>",
        "1.5 read(3) = 0 <0.1> x",
        "1.5 read(3) = x <0.1>",
        "1.5 +++ exited with x +++",
        "1.5 +++ exited with 0 ++",
        "1.5 --- SIGPIPE {si_signo=SIGPIPE",
    ] {
        assert!(line::parse(text.as_bytes(), 7).is_none(), "{text}");
    }
}

#[test]
fn a_line_that_goes_on_and_one_that_is_cut() {
    let full = r#"read(3<pipe:[1]>, ") = 0 <0.1>", 8192) = 12 <0.000010>"#;
    for cut in 0..full.len() {
        match line::parse(format!("1.5 {}", &full[..cut]).as_bytes(), 7) {
            None => assert!(cut <= 4, "{cut}"),
            Some((_, Line::Open(call) | Line::Begun(call, _))) => {
                assert_eq!(call.outcome, Outcome::None, "{cut}");
                assert_eq!(call.took, None, "{cut}");
            }
            Some(other) => panic!("{cut}: {other:?}"),
        }
    }
    let log = read(
        b"7 1.1 recvmsg(3<UNIX:[9]>, {msg_name= <unfinished ...>\n\
          8 1.2 write(4<pipe:[9]>, \"<... recvmsg resumed>\", 21) = 21 <0.1>\n\
          7 1.3 <... recvmsg resumed>NULL, msg_namelen=0}, 0) = 2 <0.2>\n\
          8 1.4 +++ killed by SIGSYS (core dumped) +++\n\
          7 1.5 --- SIGPIPE {si_signo=SIGPIPE, si_code=SI_USER, si_pid=8, si_uid=0} ---\n\
          7 1.6 wait4(-1, ",
        0,
    );
    assert_eq!((log.unreadable, log.cut), (0, 0));
    assert_eq!(log.open.into_iter().collect::<Vec<_>>(), [7]);
    let whole = log.records.iter().find_map(|(tid, record)| match record {
        Record::Call(call) if *tid == 7 && call.value() == Some(2) => Some(call),
        _ => None,
    });
    let message = &whole.expect("the resumed call").arguments[1];
    assert_eq!(message.field("msg_namelen").and_then(Value::int), Some(0));
    let killed = |record: &(u32, Record)| matches!(&record.1, Record::End(_, End::Killed(signal)) if signal == "SIGSYS");
    assert!(log.records.iter().any(killed));
    // The same in the middle of a log.
    let log = read(
        b"1.1 wait4(-1, \n1.2 read(3, \"\", 1) = 0 <0.1>\nnothing\n",
        7,
    );
    assert_eq!((log.unreadable, log.cut, log.open.len()), (1, 1, 0));
}

#[test]
fn brackets_without_end() {
    for part in [
        "[", "{a=", "f(", "\"", "1<", "=>", "|", "<", "[]|", "a=>b=>", "((((]]]]",
    ] {
        let text = format!("1.5 f({}", part.repeat(5000));
        let _ = line::parse(text.as_bytes(), 7);
    }
}

/// Comments tell nothing that a test or a picture needs.
fn without_comments(line: &str) -> String {
    match (line.split_once(" /* "), line.split_once(" */")) {
        (Some((before, _)), Some((_, after))) => format!("{before}{after}"),
        _ => line.to_owned(),
    }
}

#[test]
fn a_thread_that_was_killed_before_its_call_was_known() {
    let log = read(
        b"1.5 getpid() = 7 <0.1>\n1.7 ???()                 = ?\n1.8 +++ exited with 0 +++\n",
        5,
    );
    assert_eq!((log.unreadable, log.cut, log.records.len()), (0, 0, 2));
}

#[test]
fn a_call_that_goes_on_after_a_stop() {
    let resumed = "restart_syscall(<... resuming interrupted clock_nanosleep ...>";
    let log = read(format!("1.5 {resumed}) = 0 <0.1>\n").as_bytes(), 5);
    assert_eq!((log.unreadable, log.cut, log.records.len()), (0, 0, 1));
    let Record::Call(call) = &log.records[0].1 else {
        panic!("{:?}", log.records)
    };
    assert_eq!(
        (call.name.as_str(), call.value()),
        ("clock_nanosleep", Some(0))
    );
    let log = read(
        format!("1.5 {resumed} <unfinished ...>) = ?\n1.6 +++ killed by SIGTERM +++\n").as_bytes(),
        5,
    );
    assert_eq!((log.unreadable, log.cut), (0, 0));
    let log = read(format!("1.5 {resumed}").as_bytes(), 5);
    assert_eq!((log.unreadable, log.cut, log.open.len()), (0, 0, 1));
}

#[test]
fn a_real_call_is_written_again_as_strace_wrote_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("logs");
    let mut count = 0;
    for entry in fs::read_dir(folder).expect("the logs") {
        let text = fs::read_to_string(entry.expect("an entry").path()).expect("a log");
        for text in text.lines() {
            let Some((_, Line::Call(call))) = line::parse(text.as_bytes(), 0) else {
                continue;
            };
            let arguments: Vec<_> = call.arguments.iter().map(Value::to_string).collect();
            let again = format!("{}({})", call.name, arguments.join(", "));
            let text = without_comments(text)
                .replace(" <unfinished ...>", "")
                .replace(", )", ")")
                .replace("<char 1:3>", "")
                .replace(">(deleted)", ">");
            assert!(text.contains(&again), "{again}\nin\n{text}");
            count += 1;
        }
    }
    assert!(count > 1000, "{count}");
}
