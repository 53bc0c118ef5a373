//! Another program that makes the same round trips, beside this one's.

use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, bail, ensure};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::pace::{self, Pace, SLICE, Slice};
use crate::partner::{LIMIT, Lost};
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
    let slices = slices(&mut child, job);
    if matches!(&slices, Err(error) if error.is::<Lost>()) {
        let _ = child.kill(); // it would be waited for
    }
    let slices = slices.with_context(shown);
    // Its input is closed by now: it ends.
    let ended = child.wait_with_output().with_context(shown)?;
    match (ended.status.code(), slices) {
        (_, Err(error)) if error.is::<Lost>() => Err(error),
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
    pace::slices(job.time, Pace::now, || {
        Ok((1, measured(&mut input, &mut output)?))
    })
}

/// What it prints for one line, in time.
fn measured(input: &mut ChildStdin, output: &mut BufReader<ChildStdout>) -> anyhow::Result<f64> {
    let mut line = String::new();
    writeln!(input).context("write to it")?;
    let mut there = [PollFd::new(output.get_ref().as_fd(), PollFlags::POLLIN)];
    let limit = PollTimeout::try_from(LIMIT).context("the limit is too long")?;
    if poll(&mut there, limit).context("poll")? == 0 {
        return Err(Lost::Late.into());
    }
    ensure!(
        output.read_line(&mut line).context("read from it")? > 0,
        "it has ended"
    );
    let line = line.trim();
    let time: Option<f64> = line.parse().ok();
    let time = time.filter(|it| it.is_finite() && *it > 0.0);
    time.with_context(|| format!("it has printed '{line}', which is no time"))
}
