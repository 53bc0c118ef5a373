//! Many runs, interleaved, and what they come to.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::calls::Calls;
use crate::cell::Cell;
use crate::limits::{Limits, Measured};
use crate::mechanism::{Kind, Mechanism};
use crate::pace::Calm;
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

    /// The same without the twentieth that is least and that which is greatest.
    pub fn of_most(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let few = values.len() / 20;
        values.drain(..few);
        values.truncate(values.len() - few);
        Self::of(values)
    }

    /// The same in another unit. If more of the one is less of the other, the greatest becomes the least.
    pub fn map(&self, to: impl Fn(f64) -> f64) -> Self {
        let (one, other) = (to(self.least), to(self.greatest));
        Self {
            median: to(self.median),
            least: one.min(other),
            greatest: one.max(other),
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
    /// On one processor: in how many repetitions it was ours alone for a while, see [`Calm`].
    pub calm: Option<usize>,
    /// Those are too few: the figures are of all repetitions, and not to be compared with those of a row that
    /// was calm.
    pub disturbed: bool,
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
    /// How many times as long as its parts alone: see [`Limits`].
    pub of_limit: f64,
    /// How many times as long as the other program, in each repetition: see versus.rs.
    pub versus: Option<Figure>,
}

impl Row {
    /// GiB in a second.
    pub fn gib(&self) -> f64 {
        self.gib_at(self.each.median)
    }

    /// GiB in a second, at so many nanoseconds a message.
    pub fn gib_at(&self, each: f64) -> f64 {
        1e9 / each * self.size as f64 / f64::from(1 << 30)
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
    /// A program that is run beside each row of round trips on one processor: see versus.rs.
    pub versus: Option<PathBuf>,
}

/// The whole result.
pub struct Figures {
    pub rows: Vec<Row>,
    pub limits: Limits,
    /// What one processor was like when it was ours.
    pub calm: Option<Calm>,
    /// The cache line's round trip, once for each repetition: on a virtual machine it moves.
    pub line: Option<Figure>,
    /// Why system calls were not counted.
    pub not_counted: Option<String>,
}

/// So many repetitions must have been calm, or all if there are fewer.
const ENOUGH: usize = 3;

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
    let mut limits = Vec::new();
    let not_counted = Calls::count().err().map(|it| format!("{it:#}"));
    let enough = ENOUGH.min(plan.repetitions);
    let (begin, mut limit) = (Instant::now(), None);
    let mut repetition = 0;
    loop {
        limits.push(Measured::now(plan)?);
        for cell in cells.iter_mut().filter(|it| it.wanted) {
            bar.set_message(format!("{}, {} B", cell.job.mechanism.name, cell.job.size));
            if cell.missing.is_none() {
                cell.measure(plan, repetition, not_counted.is_none())?;
            }
            bar.inc(1);
        }
        repetition += 1;
        if repetition >= plan.repetitions {
            // Rows that were disturbed too often get more, for a third of the time that all took.
            let limit = *limit.get_or_insert(begin.elapsed() * 4 / 3);
            let calm = calm(&cells);
            for cell in &mut cells {
                cell.wanted = cell.is_disturbed(calm, enough);
            }
            let wanted = cells.iter().filter(|it| it.wanted).count();
            if wanted == 0 || begin.elapsed() > limit {
                break;
            }
            bar.inc_length(wanted as u64);
        }
    }
    bar.finish_and_clear();
    let calm = calm(&cells);
    let (limits, line) = Limits::of(&limits, calm);
    let rows = cells.into_iter().map(|it| it.row(&limits, calm, enough));
    Ok(Figures {
        rows: rows.collect(),
        limits,
        calm,
        line,
        not_counted,
    })
}

/// What one processor was like in all that was measured there.
fn calm(cells: &[Cell]) -> Option<Calm> {
    let on_one = cells.iter().filter(|it| it.may_be_calm());
    Calm::of(on_one.flat_map(Cell::slices))
}

/// One message and its answer, for a trace, on two processors where there are two; nothing is measured.
///
/// # Errors
/// When the mechanism fails, or does not take such a message here.
pub fn once(plan: &Plan) -> anyhow::Result<()> {
    run::run(&Job {
        traced: true,
        ..explained(plan)?
    })?;
    Ok(())
}

/// What [`once`] runs.
///
/// # Errors
/// When the mechanism does not take such a message here.
pub fn explained(plan: &Plan) -> anyhow::Result<Job> {
    // The last of the cells is the one on two.
    let cell = cells(plan).pop().context("nothing to trace")?;
    match cell.missing {
        Some(why) => bail!("{}: {why}", cell.job.mechanism.name),
        None => Ok(cell.job),
    }
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
    fn most_are_all_but_a_twentieth_at_each_end() {
        let figure = Figure::of_most((0..20).map(f64::from).collect());
        assert_eq!(
            (figure.median, figure.least, figure.greatest),
            (9.5, 1.0, 18.0)
        );
        assert_eq!(Figure::of_most(vec![5.0]).greatest, 5.0);
    }

    #[test]
    fn in_another_unit_the_least_is_still_the_least() {
        let figure = Figure::of(vec![1.0, 2.0, 4.0]).map(|it| 8.0 / it);
        let expected = Figure {
            median: 4.0,
            least: 2.0,
            greatest: 8.0,
        };
        assert_eq!(figure, expected);
    }

    #[test]
    fn ranges_that_touch_overlap() {
        let one = Figure::of(vec![1.0, 2.0]);
        assert!(one.overlaps(&Figure::of(vec![2.0, 3.0])));
        assert!(!one.overlaps(&Figure::of(vec![2.5, 3.0])));
    }
}
