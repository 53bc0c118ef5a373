//! The system calls of one message and its answer, from a real trace: see strace(1).

use std::ffi::CString;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use lesson::say;

use crate::mechanism::{End, Mechanism};
use crate::signals::Held;

/// Where the part to show begins and ends in the trace: the paths of calls that fail.
const MARKS: [&str; 2] = ["ipc-bench: begin", "ipc-bench: end"];
/// With this behind it, the sender's.
const SENDER: &str = ", sender";

/// Runs this program once more, under strace, and prints what lies between the marks.
///
/// # Errors
/// When there is no strace, or it may not trace here.
pub fn explain(mechanism: &Mechanism, size: usize, processors: [usize; 2]) -> anyhow::Result<()> {
    let text = trace(mechanism, size, processors)?;
    let lines = between(&text).context("the trace has no message in it")?;
    say!(
        "{}: one message of {size} B and its answer, as strace saw it",
        mechanism.name
    );
    let mut calls = text.lines().map(in_two);
    let sender = calls.find(|it| it.1.contains(SENDER)).map_or("", |it| it.0);
    for (pid, call) in &lines {
        let who = if *pid == sender { "sender" } else { "receiver" };
        say!("  {who:<8}  {call}");
    }
    let whole = lines.iter().filter(|it| !it.1.contains(" resumed>"));
    say!("{} calls, for two messages.", whole.count());
    Ok(())
}

/// What strace writes about one message and its answer. Its file is removed before anything is printed, of
/// which this program may end.
fn trace(mechanism: &Mechanism, size: usize, processors: [usize; 2]) -> anyhow::Result<String> {
    let _signals = Held::hold()?; // until the file is removed; strace starts without any held
    let log = tempfile::NamedTempFile::new().context("make a temporary file")?;
    let this = std::env::current_exe().context("the path of this program")?;
    let traced = Command::new("strace")
        .args(["-f", "-qq", "-s", "16", "-o"])
        .arg(log.path())
        .arg(this)
        .args([
            "--only",
            mechanism.name,
            "--once",
            "--sizes",
            &size.to_string(),
        ])
        .args(["--processors", &chosen(processors)])
        .stdout(Stdio::null())
        .status()
        .context("run strace (apt-get install strace)")?;
    ensure!(traced.success(), "strace {}: see above", mechanism.name);
    std::fs::read_to_string(log.path()).context("read the trace")
}

/// As `--processors` takes them.
fn chosen([one, two]: [usize; 2]) -> String {
    match one == two {
        true => one.to_string(),
        false => format!("{one},{two}"),
    }
}

/// Of each process, named by its pid, the calls between its own two marks; `None` if both have none.
fn between(text: &str) -> Option<Vec<(&str, &str)>> {
    let mut inside = Vec::new();
    let (mut found, mut marked) = (Vec::new(), false);
    for (pid, call) in text.lines().map(in_two) {
        if call.contains(MARKS[0]) {
            inside.push(pid);
            marked = true;
        } else if call.contains(MARKS[1]) {
            inside.retain(|it| *it != pid);
        } else if inside.contains(&pid) && !call.contains("access resumed>") {
            found.push((pid, call));
        }
    }
    marked.then_some(found)
}

/// The pid that a line begins with, and the call.
fn in_two(line: &str) -> (&str, &str) {
    let (pid, call) = line.split_once(' ').unwrap_or((line, ""));
    (pid, call.trim())
}

/// The sender's part under strace: one message and its answer, between the marks.
///
/// # Errors
/// Those of the mechanism.
pub fn once(end: &mut dyn End, message: &mut [u8]) -> anyhow::Result<()> {
    for marked in [false, true] {
        // The first one is for what happens once alone: pages, buffers.
        if marked {
            mark(&format!("{}{SENDER}", MARKS[0]));
        }
        end.send(message).context("send")?;
        end.receive(message).context("receive")?;
    }
    mark(MARKS[1]);
    Ok(())
}

/// The receiver's part: what [`once`] sends, it answers.
///
/// # Errors
/// Those of the mechanism.
pub fn answer(end: &mut dyn End, message: &mut [u8]) -> anyhow::Result<()> {
    for marked in [false, true] {
        if marked {
            mark(MARKS[0]);
        }
        end.receive(message).context("receive")?;
        end.send(message).context("send")?;
    }
    mark(MARKS[1]);
    Ok(())
}

fn mark(text: &str) {
    let path = CString::new(text).unwrap_or_default();
    // SAFETY: a path that ends in a NUL, and outlives the call. There is no such file.
    unsafe { libc::access(path.as_ptr(), libc::F_OK) };
}

#[cfg(test)]
mod tests {
    use super::{MARKS, between};

    #[test]
    fn of_each_process_only_what_lies_between_its_own_marks_is_shown() {
        let [begin, end] = MARKS;
        let text = format!(
            "1 a\n2 access(\"{begin}\")\n1  access(\"{begin}\" <unfinished ...>\n2 read(3 <unfinished ...>\n\
             1  <... access resumed>) = -1\n1 write\n1 access(\"{end}\")\n2 <... read resumed>) = 1\n1 b"
        );
        let shown = [
            ("2", "read(3 <unfinished ...>"),
            ("1", "write"),
            ("2", "<... read resumed>) = 1"),
        ];
        assert_eq!(between(&text).as_deref(), Some(&shown[..]));
        assert_eq!(between(&format!("1 access(\"{begin}\")")), Some(vec![])); // who spins calls nothing
        assert_eq!(between("1 a"), None);
    }
}
