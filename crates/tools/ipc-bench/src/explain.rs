//! The system calls of one message and its answer, from a real trace: see strace(1).

use std::ffi::CString;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use lesson::say;

use crate::mechanism::{End, Mechanism};

/// Where the part to show begins and ends in the trace: the paths of two calls that fail.
const MARKS: [&str; 2] = ["ipc-bench: begin", "ipc-bench: end"];

/// Runs this program once more, under strace, and prints what lies between the marks.
///
/// # Errors
/// When there is no strace, or it may not trace here.
pub fn explain(mechanism: &Mechanism, size: usize, processors: [usize; 2]) -> anyhow::Result<()> {
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
        .args([
            "--processors",
            &format!("{},{}", processors[0], processors[1]),
        ])
        .stdout(Stdio::null())
        .status()
        .context("run strace (apt-get install strace)")?;
    ensure!(traced.success(), "strace {}: see above", mechanism.name);
    let text = std::fs::read_to_string(log.path()).context("read the trace")?;
    let lines = between(&text);
    ensure!(!lines.is_empty(), "the trace has no message in it");
    say!(
        "{}: one message of {size} B and its answer, as strace saw it",
        mechanism.name
    );
    // The first line is the sender's: it has made the mark.
    let sender = lines[0]
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned();
    let mut calls = 0;
    for line in &lines[1..] {
        let (pid, call) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let who = if pid == sender {
            "sender  "
        } else {
            "receiver"
        };
        calls += u32::from(!call.contains("resumed>"));
        say!("  {who}  {}", call.trim());
    }
    say!("{calls} calls, for two messages.");
    Ok(())
}

/// The lines from the first mark on, up to the second.
fn between(text: &str) -> Vec<&str> {
    let from_first = text.lines().skip_while(|it| !it.contains(MARKS[0]));
    from_first
        .take_while(|it| !it.contains(MARKS[1]))
        .filter(|it| !it.contains("<... access resumed>"))
        .collect()
}

/// The sender's part under strace: one message and its answer, between the marks.
///
/// # Errors
/// Those of the mechanism.
pub fn once(end: &mut dyn End, message: &mut [u8]) -> anyhow::Result<()> {
    for marked in [false, true] {
        // The first one is for what happens once alone: pages, buffers.
        if marked {
            mark(MARKS[0]);
        }
        end.send(message).context("send")?;
        end.receive(message).context("receive")?;
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
    fn only_what_lies_between_the_marks_is_shown() {
        let text = format!(
            "1 a\n1 access(\"{}\")\n1 write\n2 read\n1 access(\"{}\")\n1 b",
            MARKS[0], MARKS[1]
        );
        assert_eq!(between(&text)[1..], ["1 write", "2 read"]);
    }
}
