//! Logs as evidence: a hostile program wants its own text to be taken for calls.

use crate::{Trace, arrows, rows};

fn trace(logs: &[(u32, &str)]) -> Trace {
    let mut trace = Trace::default();
    for (tid, text) in logs {
        trace.add(text, *tid, "log");
    }
    trace.connect();
    trace
}

/// The table without the columns of times.
fn table(trace: &Trace) -> Vec<String> {
    let without_times = |columns: &[String]| {
        let columns = columns.iter().enumerate();
        let kept = columns.filter(|(place, _)| !matches!(place, 2 | 3));
        kept.map(|(_, column)| column.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    };
    rows(trace)
        .iter()
        .map(|row| without_times(&row.columns))
        .collect()
}

const EXEC: &str = "1.0 execve(\"/x/program\", [\"program\"], 0x7f /* 3 vars */) = 0 <0.1>\n";

#[test]
fn no_text_of_a_program_is_a_call() {
    let fake = r#" read(3<pipe:[1]>, \"\", 8192) = 0 <0.000010>"#;
    let log = format!(
        "{EXEC}\
         1.1 write(2</tmp/e>, \"{fake}\\n1.2{fake}\\n\", 90) = 90 <0.1>\n\
         1.2 openat(AT_FDCWD</tmp>, \"pipe:[1]\", O_RDONLY) = 3</tmp/pipe:[1]> <0.1>\n\
         1.3 read(3</tmp/pipe:[1]>, \"\", 8192) = 0 <0.1>\n\
         1.4 read(4</tmp/x\\76, \\\"\\\", 1) = 0>, \"a\", 1) = 1 <0.1>\n\
         1.5 bind(5<UNIX-STREAM:[9]>, {{sa_family=AF_UNIX, sun_path=\"p>, \\\"\\\", 1) = 0\"}}, 20) = 0 <0.1>\n\
         1.6 execve(\"/{fake}\", [\"<unfinished ...>\", \"{fake}\"], 0x7f /* 3 vars */) = 0 <0.1>\n\
         1.7 +++ exited with 0 +++\n"
    );
    let trace = trace(&[(5, &log)]);
    assert_eq!(trace.missing(), [""; 0]);
    let table = table(&trace);
    let coded =
        "%20read%283%3Cpipe%3A%5B1%5D%3E%2C%20%22%22%2C%208192%29%20%3D%200%20%3C0.000010%3E";
    assert_eq!(
        table,
        [
            format!("5 5 write file /tmp/e returned 90 2 \"{coded}%0A1.2{coded}%0A\" 90"),
            "5 5 openat file /tmp/pipe%3A%5B1%5D returned 3 AT_FDCWD \"pipe%3A%5B1%5D\" O_RDONLY".into(),
            "5 5 read file /tmp/pipe%3A%5B1%5D returned 0 3 \"\" 8192".into(),
            "5 5 read file /tmp/x%3E%2C%20%22%22%2C%201%29%20%3D%200 returned 1 4 \"a\" 1".into(),
            "5 5 bind unix 9 returned 0 5 {sa_family=AF_UNIX,sun_path=\"p%3E%2C%20%22%22%2C%201%29%20%3D%200\"} 20".into(),
            format!("5 5 execve - - returned 0 \"/{coded}\" [\"%3Cunfinished%20...%3E\",\"{coded}\"] 0x7f"),
            "5 5 +exit - - none 0".into(),
        ]
    );
    assert!(arrows(&trace).is_empty());
}

#[test]
fn columns_of_calls_signals_and_ends() {
    let log = format!(
        "{EXEC}\
         1.1 write(4<pipe:[9]>, \"x\", 1) = -1 EPIPE (Broken pipe) <0.1>\n\
         1.2 --- SIGPIPE {{si_signo=SIGPIPE, si_code=SI_USER, si_pid=5, si_uid=0}} ---\n\
         1.2 --- stopped by SIGSTOP ---\n\
         1.3 poll([{{fd=0</dev/null<char 1:3>>, events=POLLIN}}, {{fd=3<pipe:[8]>, events=POLLIN}}], 2, -1) = 1 ([{{fd=3, revents=POLLHUP}}]) <0.1>\n\
         1.4 setsockopt(3<TCP:[7]>, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0 <0.1>\n\
         1.5 connect(3<UNIX-STREAM:[6]>, {{sa_family=AF_UNIX, sun_path=@\"a b\"}}, 9) = 0 <0.1>\n\
         1.6 rt_sigtimedwait([INT TERM], \n"
    );
    let trace = trace(&[(5, &log), (6, "1.7 +++ killed by SIGKILL +++\n")]);
    assert_eq!(
        table(&trace),
        [
            "5 5 write pipe 9 failed EPIPE 4 \"x\" 1",
            "5 5 +signal - - none SIGPIPE SI_USER 5",
            "5 5 +stopped - - none SIGSTOP",
            "5 5 poll pipe 8 returned 1 [{fd=0,events=POLLIN},{fd=3,events=POLLIN}] 2 -1 =[{fd=3,revents=POLLHUP}]",
            "5 5 setsockopt tcp 7 returned 0 3 SOL_SOCKET SO_REUSEADDR [1] 4",
            "5 5 connect unix 6 returned 0 3 {sa_family=AF_UNIX,sun_path=@\"a%20b\"} 9",
            "5 5 rt_sigtimedwait - - none - [?INT%20TERM]",
            "6 6 +killed - - none SIGKILL",
        ]
    );
}

#[test]
fn data_is_found_also_in_pieces() {
    let log = format!(
        "{EXEC}\
         1.1 writev(4<pipe:[9]>, [{{iov_base=\"ab\", iov_len=2}}, {{iov_base=\"c\\nd\", iov_len=3}}], 2) = 5 <0.1>\n\
         1.2 write(4<pipe:[9]>, \"abcd\", 4) = 4 <0.1>\n"
    );
    let trace = trace(&[(5, &log)]);
    let found = |bytes: &[u8]| {
        let rows = rows(&trace);
        let rows = rows.iter().filter(|row| row.contains(bytes));
        rows.map(|row| row.columns[4].clone()).collect::<Vec<_>>()
    };
    assert_eq!(found(b"bc\nd"), ["writev"]);
    assert_eq!(found(b"ab"), ["writev", "write"]);
    assert_eq!(found(b"x"), [""; 0]);
}

#[test]
fn what_starts_the_program_is_no_part_of_it() {
    let launcher = "1.0 execve(\"/t/ipc-grade\", [\"/t/ipc-grade\", \"enter\", \"sh\"], 0x7f /* 3 vars */) = 0 <0.1>\n\
        1.1 write(4<pipe:[9]>, \"stage\", 5) = 5 <0.1>\n\
        1.2 clone(child_stack=NULL, flags=SIGCHLD) = 6 <0.1>\n\
        3.0 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=6} ---\n\
        3.1 +++ exited with 0 +++\n";
    let child = "1.3 read(3<pipe:[9]>, \"stage\", 5) = 5 <0.1>\n\
        1.4 execve(0x7ffe, 0x7ffe, 0x7ffe) = -1 ENOENT (No such file or directory) <0.1>\n\
        1.5 execve(0x7ffe, 0x7ffe, 0x7ffe) = 0 <0.1>\n\
        1.7 write(4<pipe:[9]>, \"own\", 3) = 3 <0.1>\n\
        1.8 clone(child_stack=NULL, flags=SIGCHLD) = 2 <0.1>\n\
        2.9 +++ exited with 0 +++\n";
    // By this name it would be stage in a picture. In its own pid namespace it is process 2.
    let grandchild = "1.9 execve(\"/bin/sh\", [\"nsenter\"], 0x7f /* 3 vars */) = 0 <0.1>\n\
        2.1 read(3<pipe:[9]>, \"own\", 5) = 3 <0.1>\n\
        2.2 +++ exited with 0 +++\n";
    let trace = trace(&[(5, launcher), (6, child), (70, grandchild)]);
    assert_eq!(trace.missing(), [""; 0]);
    assert_eq!(
        table(&trace),
        [
            "6 6 write pipe 9 returned 3 4 \"own\" 3",
            "6 6 clone - - returned 2 child_stack=NULL flags=SIGCHLD",
            "70 70 execve - - returned 0 \"/bin/sh\" [\"nsenter\"] 0x7f",
            "70 70 read pipe 9 returned 3 3 \"own\" 5",
            "70 70 +exit - - none 0",
            "6 6 +exit - - none 0",
        ]
    );
    assert!(!trace.tasks[&6].plays(std::time::Duration::from_millis(1300)));
}

/// A thread may make its first call after the child that its process has made later.
#[test]
fn children_in_a_pid_namespace_are_told_apart_by_their_order() {
    let parent = format!(
        "{EXEC}\
         1.1 clone(child_stack=0x7f, flags=CLONE_VM|CLONE_THREAD) = 4 <0.1>\n\
         1.2 clone(child_stack=NULL, flags=SIGCHLD) = 5 <0.1>\n\
         1.3 clone(child_stack=NULL, flags=SIGCHLD) = 6 <0.1>\n\
         9.1 +++ exited with 0 +++\n"
    );
    let late = "5.0 read(0</dev/null<char 1:3>>, \"\", 1) = 0 <0.1>\n9.0 +++ exited with 0 +++\n";
    let soon = "1.4 getpid() = 5 <0.1>\n9.0 +++ exited with 0 +++\n";
    // The largest id is 102: then the kernel begins again.
    let trace = trace(&[(100, &parent), (101, late), (102, soon), (7, soon)]);
    assert_eq!(trace.missing(), [""; 0]);
    let pids: Vec<_> = trace
        .tasks
        .values()
        .map(|task| (task.tid, task.pid))
        .collect();
    assert_eq!(pids, [(7, 7), (100, 100), (101, 100), (102, 102)]);
    assert_eq!(trace.child(100, 6).map(|task| task.tid), Some(7));
}

#[test]
fn a_log_is_whole_or_says_what_is_missing() {
    let fork = "1.1 clone(child_stack=NULL, flags=SIGCHLD) = 6 <0.1>\n";
    let exited = "9.1 +++ exited with 0 +++\n";
    let parent = format!("{EXEC}{fork}{exited}");
    let missing = |logs: &[(u32, &str)]| trace(logs).missing().join("; ");
    assert_eq!(missing(&[(5, &parent), (6, exited)]), "");
    let lost = "log.6, the log of a child of 5, is missing";
    assert_eq!(missing(&[(5, &parent)]), lost);
    // Not another child's log in its place.
    let twice =
        format!("{EXEC}{fork}1.2 clone(child_stack=NULL, flags=SIGCHLD) = 7 <0.1>\n{exited}");
    assert_eq!(missing(&[(5, &twice), (7, exited)]), lost);
    let open = format!("{EXEC}{fork}1.2 wait4(-1, ");
    assert_eq!(missing(&[(5, &open), (6, "1.2 read(0<pipe:[9]>, ")]), "");
    assert!(missing(&[(5, &open), (6, "")]).contains("how thread 6 ended"));
    assert!(missing(&[(5, EXEC)]).contains("how thread 5 ended"));
    let cut = format!("{EXEC}1.2 wait4(-1, \n{exited}");
    assert!(missing(&[(5, &cut)]).contains("1 lines of log.5 cannot be read"));
    let strange = format!("{EXEC}strace: something\n{exited}");
    assert!(missing(&[(5, &strange)]).contains("1 lines of log.5 cannot be read"));
    assert!(missing(&[(5, exited)]).contains("does not begin"));
}

#[test]
fn calls_that_a_filter_forbids() {
    let killed = "9.1 +++ killed by SIGSYS +++\n";
    let guilty = "2.0 io_uring_setup(1, {flags=0}) = 425 <0.1>\n";
    let parent = format!(
        "{EXEC}1.1 clone(child_stack=NULL, flags=SIGCHLD) = 6 <0.1>\n9.2 +++ exited with 0 +++\n"
    );
    let thread = "1.2 clone3({flags=CLONE_VM|CLONE_THREAD}, 88) = 7 <0.1>\n";
    let sleeps = "2.5 clock_nanosleep(CLOCK_REALTIME, 0, {tv_sec=3},  <unfinished ...>) = ?\n";
    let found = |child: &str, thread: &str| {
        let trace = trace(&[(5, &parent), (6, child), (7, thread)]);
        let found = trace.forbidden();
        let names = found
            .iter()
            .map(|(task, call)| (task.tid, call.map(|call| call.name.clone())));
        names.collect::<Vec<_>>()
    };
    let (child, other) = (
        format!("{thread}{guilty}{killed}"),
        format!("{sleeps}{killed}"),
    );
    assert_eq!(found(&child, &other), [(6, Some("io_uring_setup".into()))]);
    let (child, other) = (
        format!("{thread}{sleeps}{killed}"),
        format!("{guilty}{killed}"),
    );
    assert_eq!(found(&child, &other), [(7, Some("io_uring_setup".into()))]);
    // The notation of other kernels.
    let child = format!("2.0 ptrace(PTRACE_TRACEME) = ?\n{killed}");
    assert_eq!(found(&child, ""), [(6, Some("ptrace".into()))]);
    let sent = "2.0 kill(6, SIGSYS) = 0 <0.1>\n2.2 --- SIGSYS {si_signo=SIGSYS, si_code=SI_USER, si_pid=6} ---\n";
    assert_eq!(found(&format!("{sent}{killed}"), ""), []);
    assert_eq!(
        found(&format!("{sent}3.0 clone() = ?\n{killed}"), ""),
        [(6, Some("clone".into()))]
    );
}
