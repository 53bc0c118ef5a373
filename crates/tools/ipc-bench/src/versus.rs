//! Another program that makes the same round trips, beside this one's.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};

use crate::pace::{Pace, SLICE, Slice};
use crate::run::{Job, Pattern, Placement, pin};

/// Runs the program with the arguments MECHANISM BYTES MS PROCESSOR. For each line that it is given it makes
/// round trips for MS milliseconds, and prints the nanoseconds of one. `None` if it exits with 2: it has no
/// such mechanism.
///
/// # Errors
/// When it fails otherwise, or prints something else.
pub fn versus(program: &Path, job: &Job) -> anyhow::Result<Option<Vec<Slice>>> {
    if (job.pattern, job.placement) != (Pattern::RoundTrip, Placement::Same) {
        return Ok(None);
    }
    pin(job.processors[0])?; // this process, whose yardsticks are to be of that processor
    let mut words = vec![job.mechanism.name.to_owned()];
    let ms = SLICE.min(job.time).as_millis();
    words.extend([
        job.size.to_string(),
        ms.to_string(),
        job.processors[0].to_string(),
    ]);
    let shown = || format!("run {} {}", program.display(), words.join(" "));
    let mut child = Command::new(program)
        .args(&words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(shown)?;
    let slices = slices(&mut child, job).with_context(shown);
    // Its input is closed by now: it ends.
    let ended = child.wait_with_output().with_context(shown)?;
    match (ended.status.code(), slices) {
        (Some(0), slices) => slices.map(Some),
        (Some(2), _) => Ok(None),
        _ => bail!(
            "{}: {}: {}",
            shown(),
            ended.status,
            String::from_utf8_lossy(&ended.stderr).trim()
        ),
    }
}

fn slices(child: &mut Child, job: &Job) -> anyhow::Result<Vec<Slice>> {
    let mut input = child.stdin.take().context("it has no input")?;
    let mut output = BufReader::new(child.stdout.take().context("it has no output")?);
    measured(&mut input, &mut output)?; // it warms up
    let begin = Instant::now();
    let mut slices = Vec::new();
    let mut before = Pace::now();
    while slices.is_empty() || begin.elapsed() < job.time {
        let time = measured(&mut input, &mut output)?;
        let after = Pace::now();
        slices.push(Slice {
            count: 1,
            time,
            before,
            after,
        });
        before = after;
    }
    Ok(slices)
}

/// What it prints for one line.
fn measured(input: &mut ChildStdin, output: &mut BufReader<ChildStdout>) -> anyhow::Result<f64> {
    let mut line = String::new();
    writeln!(input).context("write to it")?;
    output.read_line(&mut line).context("read from it")?;
    let line = line.trim();
    line.parse()
        .with_context(|| format!("it has printed '{line}'"))
}
