//! Many runs, interleaved, and what they come to.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail};
use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::calls;
use crate::limits::{self, Limits};
use crate::mechanism::{Kind, Mechanism};
use crate::partner::Lost;
use crate::run::{self, Job, Pattern, Placement};

/// A median, and the least and the greatest.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Figure {
    pub median: f64,
    pub least: f64,
    pub greatest: f64,
}

impl Figure {
    /// Of at least one value.
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let median = match values.len() % 2 {
            _ if values.is_empty() => f64::NAN,
            0 => f64::midpoint(values[middle - 1], values[middle]),
            _ => values[middle],
        };
        Self {
            median,
            least: values.first().copied().unwrap_or(f64::NAN),
            greatest: values.last().copied().unwrap_or(f64::NAN),
        }
    }

    /// Whether the ranges have something in common: then neither is the faster one.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.least <= other.greatest && other.least <= self.greatest
    }
}

/// All runs of one mechanism, size, placement and pattern.
#[derive(serde::Serialize)]
pub struct Row {
    pub mechanism: &'static str,
    pub kind: Kind,
    pub placement: Placement,
    pub pattern: Pattern,
    pub size: usize,
    /// Why there are no figures.
    pub missing: Option<String>,
    /// Nanoseconds for a round trip, or for a message of a stream.
    pub each: Figure,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
    /// Nanoseconds of processor time for each message, both processes together.
    pub cpu: Figure,
    /// Switches for each message, both processes together.
    pub switches: f64,
    /// System calls for each message, both processes together, where they could be counted.
    pub calls: Option<f64>,
    /// Messages that were sent and did not arrive, in a run.
    pub lost: f64,
    /// How many times as long as its parts alone: see [`limit`].
    pub of_limit: f64,
    /// How many times as long as the other program, in each repetition: see [`Plan::versus`].
    pub versus: Option<Figure>,
}

impl Row {
    /// Messages in a second.
    pub fn messages(&self) -> f64 {
        1e9 / self.each.median
    }

    /// GiB in a second.
    pub fn gib(&self) -> f64 {
        self.messages() * self.size as f64 / f64::from(1 << 30)
    }
}

/// What is to be measured.
pub struct Plan {
    pub mechanisms: Vec<&'static Mechanism>,
    pub sizes: Vec<usize>,
    pub placements: Vec<Placement>,
    pub patterns: Vec<Pattern>,
    pub repetitions: usize,
    pub time: Duration,
    pub rate: Option<u64>,
    pub processors: [usize; 2],
    /// A program that prints the nanoseconds of a round trip on one processor, given MECHANISM BYTES MS
    /// PROCESSOR, or exits with 2: it is run beside each such row.
    pub versus: Option<PathBuf>,
}

/// The whole result.
pub struct Figures {
    pub rows: Vec<Row>,
    pub limits: Limits,
    /// The cache line's round trip, once for each repetition: on a virtual machine it moves.
    pub line: Option<Figure>,
    /// Why system calls were not counted.
    pub not_counted: Option<String>,
}

struct Cell {
    job: Job,
    missing: Option<String>,
    each: Vec<f64>,
    cpu: Vec<f64>,
    switches: Vec<f64>,
    calls: Option<f64>,
    lost: Vec<f64>,
    ratios: Vec<f64>,
    times: Histogram<u64>,
}

/// How long a run takes in which only system calls are counted: one for each row.
const COUNTED: Duration = Duration::from_millis(10);

/// Measures everything once, then everything again: what changes meanwhile hits all alike.
///
/// # Errors
/// When the limits cannot be measured. A mechanism that fails is a row that says why.
pub fn measure(plan: &Plan) -> anyhow::Result<Figures> {
    let mut cells = cells(plan);
    let all = (cells.len() * plan.repetitions) as u64;
    let bar = ProgressBar::with_draw_target(Some(all), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len}  {eta} left  {msg}") {
        bar.set_style(style);
    }
    let two = plan.placements.contains(&Placement::Two);
    let mut limits = Vec::new();
    let not_counted = calls::counter().err().map(|it| format!("{it:#}"));
    for repetition in 0..plan.repetitions {
        limits.push(limits::measure(
            plan.processors,
            two,
            plan.time.min(Duration::from_millis(50)),
        )?);
        for cell in &mut cells {
            bar.set_message(format!("{}, {} B", cell.job.mechanism.name, cell.job.size));
            if cell.missing.is_none() {
                let job = cell.job;
                let theirs = || match &plan.versus {
                    Some(program) => other(program, &job),
                    None => Ok(None),
                };
                // They take turns in going first: what one leaves behind must not always meet the other.
                let first = if repetition % 2 == 1 { theirs()? } else { None };
                match run::run(&cell.job) {
                    Ok(sample) => {
                        let second = if repetition % 2 == 0 { theirs()? } else { None };
                        if let Some(each) = first.or(second) {
                            cell.ratios.push(sample.each / each);
                        }
                        cell.add(&sample);
                        if cell.calls.is_none() && not_counted.is_none() {
                            let counted = Job {
                                counted: true,
                                time: plan.time.min(COUNTED),
                                ..cell.job
                            };
                            cell.calls = match run::run(&counted) {
                                Ok(sample) => Some(sample.calls),
                                Err(error) if error.is::<Lost>() => return Err(error),
                                Err(_) => None, // The row has its times all the same.
                            };
                        }
                    }
                    Err(error) if error.is::<Lost>() => return Err(error),
                    Err(error) => cell.missing = Some(format!("{error:#}")),
                }
            }
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    let median = |of: fn(&Limits) -> f64| Figure::of(limits.iter().map(of).collect()).median;
    let line = two.then(|| Figure::of(limits.iter().filter_map(|it| it.line).collect()));
    let limits = Limits {
        clock: median(|it| it.clock),
        call: median(|it| it.call),
        own: median(|it| it.own),
        switch: median(|it| it.switch),
        line: line.map(|it| it.median),
    };
    let copies: Vec<_> = plan
        .sizes
        .iter()
        .map(|it| limits::copy(*it, Duration::from_millis(20)))
        .collect();
    let copy = |size| {
        plan.sizes
            .iter()
            .position(|it| *it == size)
            .map_or(0.0, |it| copies[it])
    };
    let rows = cells.into_iter().map(|cell| {
        let copy = copy(cell.job.size);
        cell.row(&limits, copy)
    });
    let rows = rows.collect();
    Ok(Figures {
        rows,
        limits,
        line,
        not_counted,
    })
}

/// One message and its answer, for a trace, on two processors where there are two; nothing is measured.
///
/// # Errors
/// When the mechanism fails.
pub fn once(plan: &Plan) -> anyhow::Result<()> {
    // The last of the cells is the one on two.
    let job = cells(plan).pop().context("nothing to trace")?.job;
    run::run(&Job {
        traced: true,
        ..job
    })?;
    Ok(())
}

fn cells(plan: &Plan) -> Vec<Cell> {
    let mut cells = Vec::new();
    for &mechanism in &plan.mechanisms {
        for &pattern in &plan.patterns {
            for &placement in &plan.placements {
                for &size in &plan.sizes {
                    let job = Job {
                        mechanism,
                        size,
                        placement,
                        pattern,
                        time: plan.time,
                        rate: plan.rate,
                        traced: false,
                        counted: false,
                        processors: plan.processors,
                    };
                    cells.push(Cell::new(job));
                }
            }
        }
    }
    cells
}

impl Cell {
    fn new(job: Job) -> Self {
        let max = (job.mechanism.max)();
        let missing = match max {
            _ if job.mechanism.spins && job.placement == Placement::Same => {
                Some("it spins: two processors".into())
            }
            Some(max) if job.size > max => Some(format!("at most {max} B")),
            _ => None,
        };
        Self {
            job,
            missing,
            each: Vec::new(),
            cpu: Vec::new(),
            switches: Vec::new(),
            calls: None,
            lost: Vec::new(),
            ratios: Vec::new(),
            times: run::times(),
        }
    }

    fn add(&mut self, sample: &run::Sample) {
        self.each.push(sample.each);
        self.cpu.push(sample.cpu);
        self.switches.push(sample.switches);
        self.lost.push(sample.lost as f64);
        // Both have the same bounds.
        let _ = self.times.add(&sample.times);
    }

    fn row(self, limits: &Limits, copy: f64) -> Row {
        let quantile = |it| self.times.value_at_quantile(it) as f64;
        let each = Figure::of(self.each);
        Row {
            mechanism: self.job.mechanism.name,
            kind: self.job.mechanism.kind,
            placement: self.job.placement,
            pattern: self.job.pattern,
            size: self.job.size,
            missing: self.missing,
            each,
            p50: quantile(0.5),
            p90: quantile(0.9),
            p99: quantile(0.99),
            p999: quantile(0.999),
            max: self.times.max() as f64,
            cpu: Figure::of(self.cpu),
            switches: Figure::of(self.switches).median,
            calls: self.calls,
            lost: Figure::of(self.lost).median,
            of_limit: each.median / limit(&self.job, limits, copy, self.calls),
            versus: (!self.ratios.is_empty()).then(|| Figure::of(self.ratios)),
        }
    }
}

/// Nanoseconds of a round trip by another program; `None` if it has no such row.
fn other(program: &Path, job: &Job) -> anyhow::Result<Option<f64>> {
    if (job.pattern, job.placement) != (Pattern::RoundTrip, Placement::Same) {
        return Ok(None);
    }
    let words = [
        job.size.to_string(),
        job.time.as_millis().to_string(),
        job.processors[0].to_string(),
    ];
    let shown = || {
        format!(
            "run {} {} {}",
            program.display(),
            job.mechanism.name,
            words.join(" ")
        )
    };
    let ran = Command::new(program)
        .arg(job.mechanism.name)
        .args(&words)
        .output()
        .with_context(shown)?;
    match ran.status.code() {
        Some(0) => Ok(Some(
            String::from_utf8_lossy(&ran.stdout)
                .trim()
                .parse()
                .with_context(shown)?,
        )),
        Some(2) => Ok(None),
        _ => bail!(
            "{}: {}: {}",
            shown(),
            ran.status,
            String::from_utf8_lossy(&ran.stderr).trim()
        ),
    }
}

/// The parts of a round trip or of a message, put together: two copies of each message (in and out),
/// its system calls as they were counted or else those that it cannot do without, and for a round trip
/// two switches on one processor, or a cache line there and back.
pub fn limit(job: &Job, limits: &Limits, copy: f64, counted: Option<f64>) -> f64 {
    // On one processor the receiver of a round trip always sleeps.
    let calls = match (job.pattern, job.placement) {
        (Pattern::RoundTrip, Placement::Same) => job.mechanism.calls,
        _ => job.mechanism.busy_calls,
    };
    let message = 2.0 * copy + counted.unwrap_or(calls.into()) * limits.call;
    match (job.pattern, job.placement) {
        // On one processor both sides take turns, so both sides' work counts.
        (Pattern::Stream, Placement::Same) => message,
        (Pattern::Stream, Placement::Two) => message / 2.0,
        (Pattern::RoundTrip, Placement::Same) => 2.0 * (message + limits.switch),
        (Pattern::RoundTrip, Placement::Two) => 2.0 * message + limits.line.unwrap_or(0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::Figure;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        let figure = Figure::of(vec![4.0, 1.0, 3.0, 10.0]);
        assert_eq!(
            (figure.median, figure.least, figure.greatest),
            (3.5, 1.0, 10.0)
        );
        assert_eq!(Figure::of(vec![5.0]).median, 5.0);
    }

    #[test]
    fn ranges_that_touch_overlap() {
        let one = Figure::of(vec![1.0, 2.0]);
        assert!(one.overlaps(&Figure::of(vec![2.0, 3.0])));
        assert!(!one.overlaps(&Figure::of(vec![2.5, 3.0])));
    }
}
