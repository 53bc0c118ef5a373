//! Many runs, interleaved, and what they come to.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::calls;
use crate::limits::{self, Limits};
use crate::mechanism::{Kind, Mechanism};
use crate::pace::{self, Calm, Slice};
use crate::partner::Lost;
use crate::run::{self, Job, Pattern, Placement, Sample};
use crate::versus::versus;

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
    /// How many times as long as its parts alone: see [`limit`].
    pub of_limit: f64,
    /// How many times as long as the other program, in each repetition: see [`versus`].
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
    /// A program that is run beside each row of round trips on one processor: see [`versus`].
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

struct Cell {
    job: Job,
    missing: Option<String>,
    /// It is to be measured in this repetition.
    wanted: bool,
    /// Of each repetition; and beside it the other program's.
    samples: Vec<Sample>,
    others: Vec<Vec<Slice>>,
    calls: Option<f64>,
}

/// So many repetitions must have been calm, or all if there are fewer.
const ENOUGH: usize = 3;

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
    let (mut limits, mut copies) = (Vec::new(), Vec::new());
    let not_counted = calls::counter().err().map(|it| format!("{it:#}"));
    let enough = ENOUGH.min(plan.repetitions);
    let (begin, mut limit) = (Instant::now(), None);
    let mut repetition = 0;
    loop {
        limits.push(limits::measure(
            plan.processors,
            two,
            plan.time.min(Duration::from_millis(50)),
        )?);
        for &size in &plan.sizes {
            copies.push(Copy::measure(size, plan, two)?);
        }
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
            cells
                .iter_mut()
                .for_each(|it| it.wanted = it.lacks(calm, enough));
            let wanted = cells.iter().filter(|it| it.wanted).count();
            if wanted == 0 || begin.elapsed() > limit {
                break;
            }
            bar.inc_length(wanted as u64);
        }
    }
    bar.finish_and_clear();
    let figure = |of: fn(&Limits) -> f64| Figure::of(limits.iter().map(of).collect());
    let line = two.then(|| Figure::of(limits.iter().filter_map(|it| it.line).collect()));
    // A limit is the least that was seen; but a difference is as often too small as too great.
    let limits = Limits {
        clock: figure(|it| it.clock).least,
        call: figure(|it| it.call).least,
        own: figure(|it| it.own).median,
        switch: figure(|it| it.switch).median,
        line: line.map(|it| it.median),
    };
    let copy = |size| {
        let of_size = copies.iter().filter(|it| it.size == size);
        Copy {
            size,
            near: Figure::of(of_size.clone().map(|it| it.near).collect()).least,
            far: Figure::of(of_size.map(|it| it.far).collect()).median,
        }
    };
    let calm = calm(&cells);
    let rows = cells.into_iter().map(|cell| {
        let copy = copy(cell.job.size);
        let calm = calm.filter(|_| cell.may_be_calm());
        cell.row(&limits, &copy, calm, enough)
    });
    let rows = rows.collect();
    Ok(Figures {
        rows,
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
            wanted: true,
            samples: Vec::new(),
            others: Vec::new(),
            calls: None,
        }
    }

    /// On two processors nobody looks at the second; and in an open loop the clock on the wall counts.
    fn may_be_calm(&self) -> bool {
        self.job.placement == Placement::Same && self.job.rate.is_none()
    }

    /// Measures it once more, and the other program beside it.
    fn measure(&mut self, plan: &Plan, repetition: usize, count: bool) -> anyhow::Result<()> {
        let job = self.job;
        let theirs = || match &plan.versus {
            Some(program) => versus(program, &job),
            None => Ok(None),
        };
        // They take turns in going first: what one leaves behind must not always meet the other.
        let first = if repetition % 2 == 1 { theirs()? } else { None };
        match run::run(&job) {
            Ok(sample) => {
                let second = if repetition % 2 == 0 { theirs()? } else { None };
                self.others.extend(first.or(second));
                self.samples.push(sample);
            }
            Err(error) if error.is::<Lost>() => return Err(error),
            Err(error) => {
                self.missing = Some(format!("{error:#}"));
                return Ok(());
            }
        }
        if count && self.calls.is_none() {
            let counted = Job {
                counted: true,
                time: plan.time.min(COUNTED),
                ..job
            };
            self.calls = match run::run(&counted) {
                Ok(sample) => Some(sample.calls),
                Err(error) if error.is::<Lost>() => return Err(error),
                Err(_) => None, // The row has its times all the same.
            };
        }
        Ok(())
    }

    /// Whether it was calm in too few repetitions.
    fn lacks(&self, calm: Option<Calm>, enough: usize) -> bool {
        let calm = calm.filter(|_| self.may_be_calm() && self.missing.is_none());
        calm.is_some_and(|calm| {
            let slices = self.samples.iter().map(|it| &it.slices);
            slices.filter(|it| calm.median(*it).is_some()).count() < enough
        })
    }

    fn slices(&self) -> impl Iterator<Item = &Slice> + Clone {
        let ours = self.samples.iter().map(|it| &it.slices);
        ours.chain(&self.others).flatten()
    }

    fn row(self, limits: &Limits, copy: &Copy, calm: Option<Calm>, enough: usize) -> Row {
        let mut times = run::times();
        for sample in &self.samples {
            // All have the same bounds.
            let _ = times.add(&sample.times);
        }
        let quantile = |it| times.value_at_quantile(it) as f64;
        let median =
            |of: fn(&Sample) -> f64| Figure::of(self.samples.iter().map(of).collect()).median;

        let calm_in = |calm: &Calm| {
            let medians = self.samples.iter().map(|it| calm.median(&it.slices));
            medians.flatten().count()
        };
        let calm_repetitions = calm.as_ref().map(calm_in);
        let disturbed = calm_repetitions.is_some_and(|it| it < enough);
        let calm = calm.filter(|_| !disturbed);
        // What counts of some slices: nanoseconds for each message.
        let figure = |slices: &[Slice]| match &calm {
            Some(calm) => calm.median(slices),
            None => Some(pace::mean(slices)),
        };

        let slices = self.samples.iter().flat_map(|it| &it.slices);
        let each = match &calm {
            Some(calm) => Figure::of_most(slices.filter_map(|it| calm.each(it)).collect()),
            None => Figure::of(
                self.samples
                    .iter()
                    .map(|it| pace::mean(&it.slices))
                    .collect(),
            ),
        };
        // In calm moments processor time is less in the same proportion.
        let cpu = self.samples.iter().filter_map(|it| {
            let each = figure(&it.slices)?;
            Some(it.cpu * each / pace::mean(&it.slices))
        });
        let cpu = Figure::of(cpu.collect());
        let ratios = || {
            let pairs = self.samples.iter().zip(&self.others);
            let ratios = pairs.filter_map(|(a, b)| Some(figure(&a.slices)? / figure(b)?));
            Figure::of(ratios.collect())
        };
        Row {
            mechanism: self.job.mechanism.name,
            kind: self.job.mechanism.kind,
            placement: self.job.placement,
            pattern: self.job.pattern,
            size: self.job.size,
            missing: self.missing,
            each,
            calm: calm_repetitions,
            disturbed,
            p50: quantile(0.5),
            p90: quantile(0.9),
            p99: quantile(0.99),
            p999: quantile(0.999),
            max: times.max() as f64,
            cpu,
            switches: median(|it| it.switches),
            calls: self.calls,
            lost: median(|it| it.lost as f64),
            of_limit: each.median / limit(&self.job, limits, copy, self.calls),
            versus: (!self.others.is_empty()).then(ratios),
        }
    }
}

/// Nanoseconds of a copy of so many bytes.
pub struct Copy {
    size: usize,
    near: f64,
    /// Of bytes that the other processor has just written.
    far: f64,
}

impl Copy {
    fn measure(size: usize, plan: &Plan, two: bool) -> anyhow::Result<Self> {
        let time = plan.time.min(Duration::from_millis(5));
        let near = limits::copy(size, time);
        let far = match two {
            true => limits::far_copy(size, plan.processors, time)?,
            false => near,
        };
        Ok(Self { size, near, far })
    }
}

/// The parts of a round trip or of a message, put together: two copies of each message (in and out; what
/// the other processor has written comes out more slowly), its system calls as they were counted or else
/// those that it cannot do without, and for a round trip two switches on one processor, or a cache line
/// there and back.
pub fn limit(job: &Job, limits: &Limits, copy: &Copy, counted: Option<f64>) -> f64 {
    // On one processor the receiver of a round trip always sleeps.
    let calls = match (job.pattern, job.placement) {
        (Pattern::RoundTrip, Placement::Same) => job.mechanism.calls,
        _ => job.mechanism.busy_calls,
    };
    let calls = counted.unwrap_or(calls.into()) * limits.call;
    match (job.pattern, job.placement) {
        // On one processor both sides take turns, so both sides' work counts.
        (Pattern::Stream, Placement::Same) => 2.0 * copy.near + calls,
        // On two they work at the same time, and the slower one counts.
        (Pattern::Stream, Placement::Two) => copy.far.max(copy.near) + calls / 2.0,
        (Pattern::RoundTrip, Placement::Same) => 2.0 * (2.0 * copy.near + calls + limits.switch),
        (Pattern::RoundTrip, Placement::Two) => {
            2.0 * (copy.near + copy.far + calls) + limits.line.unwrap_or(0.0)
        }
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
    fn most_are_all_but_a_twentieth_at_each_end() {
        let figure = Figure::of_most((0..20).map(f64::from).collect());
        assert_eq!(
            (figure.median, figure.least, figure.greatest),
            (9.5, 1.0, 18.0)
        );
        assert_eq!(Figure::of_most(vec![5.0]).greatest, 5.0);
    }

    #[test]
    fn ranges_that_touch_overlap() {
        let one = Figure::of(vec![1.0, 2.0]);
        assert!(one.overlaps(&Figure::of(vec![2.0, 3.0])));
        assert!(!one.overlaps(&Figure::of(vec![2.5, 3.0])));
    }
}
