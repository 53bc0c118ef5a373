//! One row: a mechanism with one size, placement and pattern, measured again and again.

use std::time::Duration;

use crate::figures::{Figure, Plan, Row};
use crate::limits::Limits;
use crate::pace::{self, Calm, Slice};
use crate::partner::Lost;
use crate::run::{self, Job, Pattern, Placement, Sample};
use crate::versus::versus;

/// How long a run takes in which only system calls are counted: one for each row.
const COUNTED: Duration = Duration::from_millis(10);

/// A row that is being measured.
pub struct Cell {
    pub job: Job,
    /// Why there will be no figures.
    pub missing: Option<String>,
    /// It is to be measured in this repetition.
    pub wanted: bool,
    /// Of each repetition; and beside it the other program's.
    samples: Vec<Sample>,
    others: Vec<Vec<Slice>>,
    calls: Option<f64>,
}

impl Cell {
    /// Nothing of it is measured yet.
    pub fn new(job: Job) -> Self {
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
    pub fn may_be_calm(&self) -> bool {
        self.job.placement == Placement::Same && self.job.rate.is_none()
    }

    /// Measures it once more, and the other program beside it; its system calls are counted if asked for.
    ///
    /// # Errors
    /// When a process was killed or is late. Else a mechanism that fails is a row that says why.
    pub fn measure(&mut self, plan: &Plan, repetition: usize, count: bool) -> anyhow::Result<()> {
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

    /// In how many repetitions it was calm for a while.
    fn calm_repetitions(&self, calm: &Calm) -> usize {
        let medians = self.samples.iter().map(|it| calm.median(&it.slices));
        medians.flatten().count()
    }

    /// Whether those are too few, where that can be said.
    pub fn is_disturbed(&self, calm: Option<Calm>, enough: usize) -> bool {
        let calm = calm.filter(|_| self.may_be_calm() && self.missing.is_none());
        calm.is_some_and(|it| self.calm_repetitions(&it) < enough)
    }

    /// All there are, also the other program's.
    pub fn slices(&self) -> impl Iterator<Item = &Slice> + Clone {
        let ours = self.samples.iter().map(|it| &it.slices);
        ours.chain(&self.others).flatten()
    }

    /// What all of it comes to.
    pub fn row(self, limits: &Limits, calm: Option<Calm>, enough: usize) -> Row {
        let mut times = run::times();
        for sample in &self.samples {
            // All have the same bounds.
            let _ = times.add(&sample.times);
        }
        let quantile = |it| times.value_at_quantile(it) as f64;
        let median =
            |of: fn(&Sample) -> f64| Figure::of(self.samples.iter().map(of).collect()).median;

        let disturbed = self.is_disturbed(calm, enough);
        let calm = calm.filter(|_| self.may_be_calm());
        let calm_repetitions = calm.map(|it| self.calm_repetitions(&it));
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
            of_limit: each.median / limit(&self.job, limits, self.calls),
            versus: (!self.others.is_empty()).then(ratios),
        }
    }
}

/// The parts of a round trip or of a message, put together: two copies of each message (in and out; what
/// the other processor has written comes out more slowly), its system calls as they were counted or else
/// those that it cannot do without, and for a round trip two switches on one processor, or a cache line
/// there and back.
fn limit(job: &Job, limits: &Limits, counted: Option<f64>) -> f64 {
    let copy = limits.copy(job.size);
    // On one processor the receiver of a round trip always sleeps.
    let calls = match (job.pattern, job.placement) {
        (Pattern::RoundTrip, Placement::Same) => job.mechanism.calls,
        _ => job.mechanism.busy_calls,
    };
    let calls = counted.unwrap_or(calls.into()) * limits.call;
    let far = copy.far.unwrap_or(copy.near);
    match (job.pattern, job.placement) {
        // On one processor both sides take turns, so both sides' work counts.
        (Pattern::Stream, Placement::Same) => 2.0 * copy.near + calls,
        // On two they work at the same time, and the slower one counts.
        (Pattern::Stream, Placement::Two) => far.max(copy.near) + calls / 2.0,
        (Pattern::RoundTrip, Placement::Same) => 2.0 * (2.0 * copy.near + calls + limits.switch),
        (Pattern::RoundTrip, Placement::Two) => {
            2.0 * (copy.near + far + calls) + limits.line.unwrap_or(0.0)
        }
    }
}
