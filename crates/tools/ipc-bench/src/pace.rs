//! How fast the processor is just now, and whether all of it is ours.
//!
//! Its clock changes many times a second, by a sixth and more; and a virtual machine's processor is often
//! one half of a core, whose other half is somebody else's and slows this one by half as soon as it has
//! work. Neither is told. So a measurement on one processor is cut into slices of a millisecond, and before
//! and after each the same two things are timed: a chain of multiplications, of which each waits for the one
//! before, takes so many ticks of the clock whatever the other half does; a system call takes more of
//! them while the other half works.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde::{Deserialize, Serialize};

use crate::figures::Figure;

/// The length of a slice. Longer ones are less often calm from beginning to end.
pub const SLICE: Duration = Duration::from_millis(1);

/// Two yardsticks, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Pace {
    /// A step of a chain of multiplications.
    pub step: f64,
    /// The shortest system call: getppid(2).
    pub call: f64,
    /// The processor time that it took to find out, at least.
    pub took: f64,
}

impl Pace {
    /// That of this moment; it takes some 15 microseconds.
    pub fn now() -> Self {
        const STEPS: u32 = 1000;
        const CALLS: u32 = 25;
        let mut x = 1_u64;
        let steps = least_of_four(STEPS, || {
            // The shift keeps the compiler from taking several steps at once.
            x = (x ^ (x >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        });
        black_box(x);
        let calls = least_of_four(CALLS, || {
            // SAFETY: getppid takes nothing.
            unsafe { libc::syscall(libc::SYS_getppid) };
        });
        Self {
            step: steps / f64::from(STEPS),
            call: calls / f64::from(CALLS),
            took: 4.0 * (steps + calls),
        }
    }

    /// How many steps a call took.
    fn call_in_steps(&self) -> f64 {
        self.call / self.step
    }
}

/// Nanoseconds of so many, the least of four times: an interrupt is not to count.
fn least_of_four(count: u32, mut what: impl FnMut()) -> f64 {
    let mut least = f64::INFINITY;
    for _ in 0..4 {
        let begin = Instant::now();
        (0..count).for_each(|_| what());
        least = least.min(begin.elapsed().as_nanos() as f64);
    }
    least
}

/// A part of a measurement.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Slice {
    /// How many messages, or messages and their answers.
    pub count: u64,
    /// Nanoseconds.
    pub time: f64,
    pub before: Pace,
    pub after: Pace,
}

/// Slices until so much time is over, each by `part`: it tells how many messages have arrived, and in how many
/// nanoseconds. At least one, however short the time.
///
/// # Errors
/// Those of `part`; or when nothing has arrived.
pub fn slices(
    time: Duration,
    pace: impl Fn() -> Pace,
    mut part: impl FnMut() -> anyhow::Result<(u64, f64)>,
) -> anyhow::Result<Vec<Slice>> {
    let begin = Instant::now();
    let (mut slices, mut before) = (Vec::new(), pace());
    while slices.is_empty() || begin.elapsed() < time {
        let (count, time) = part()?;
        ensure!(count > 0, "no message arrived");
        let after = pace();
        slices.push(Slice {
            count,
            time,
            before,
            after,
        });
        before = after;
    }
    Ok(slices)
}

/// What all slices come to, by their messages: nanoseconds for each.
pub fn mean(slices: &[Slice]) -> f64 {
    let count: u64 = slices.iter().map(|it| it.count).sum();
    slices.iter().map(|it| it.time).sum::<f64>() / count as f64
}

/// What a run's processor was like when it was all ours.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Calm {
    /// A system call, in steps.
    pub call_in_steps: f64,
    /// Nanoseconds of a step, at the clock that figures are converted to: the one in the middle.
    pub step: f64,
    /// So many slices were calm.
    pub slices: usize,
    /// Of so many.
    pub of: usize,
}

impl Calm {
    /// A call may take so much longer (or shorter) than in the calmest slice. The other half of a core, once
    /// it works, makes it an eighth longer at least.
    pub const TOLERANCE: f64 = 0.04;

    /// That of a run: `None` without a slice.
    pub fn of<'a>(slices: impl Iterator<Item = &'a Slice> + Clone) -> Option<Self> {
        let of = |it: &Slice| f64::max(it.before.call_in_steps(), it.after.call_in_steps());
        let mut calm = Self {
            call_in_steps: least_crowd(slices.clone().map(of).collect())?,
            step: 1.0,
            slices: 0,
            of: slices.clone().count(),
        };
        let steps: Vec<_> = slices
            .filter(|it| calm.each(it).is_some())
            .map(|it| f64::midpoint(it.before.step, it.after.step))
            .collect();
        calm.slices = steps.len();
        calm.step = Figure::of(steps).median;
        Some(calm)
    }

    /// Nanoseconds for each message of a calm slice, at the run's clock; `None` of one that was disturbed.
    pub fn each(&self, slice: &Slice) -> Option<f64> {
        let calm =
            |it: &Pace| (it.call_in_steps() / self.call_in_steps - 1.0).abs() < Self::TOLERANCE;
        let step = f64::midpoint(slice.before.step, slice.after.step);
        (calm(&slice.before) && calm(&slice.after))
            .then(|| slice.time / slice.count as f64 * self.step / step)
    }

    /// The middle of those that were calm, if any was.
    pub fn median<'a>(&self, slices: impl IntoIterator<Item = &'a Slice>) -> Option<f64> {
        let slices = slices.into_iter();
        let calm: Vec<_> = slices.filter_map(|it| self.each(it)).collect();
        (!calm.is_empty()).then(|| Figure::of(calm).median)
    }
}

/// The least value that is not alone: of each 300 values one more lies so near that [`Calm`] tolerates it. (An
/// interrupt in a chain makes calls seem short, anything between; when it is calm they are alike. Among fewer
/// that is too rare to reckon with, and what is calm may be one slice.)
fn least_crowd(mut values: Vec<f64>) -> Option<f64> {
    let some = 1 + values.len() / 300;
    values.sort_by(f64::total_cmp);
    let mut crowds = values.windows(some);
    let crowd = crowds.find(|it| it[some - 1] <= it[0] * (1.0 + Calm::TOLERANCE));
    crowd.map(|it| it[some / 2])
}

#[cfg(test)]
mod tests {
    use super::{Calm, Pace, Slice, least_crowd, mean};

    /// A slice in which a message takes so many steps, of so many nanoseconds.
    fn slice(steps: f64, step: f64, calls_in_steps: [f64; 2]) -> Slice {
        let [before, after] = calls_in_steps.map(|it| Pace {
            step,
            call: it * step,
            took: 0.0,
        });
        Slice {
            count: 10,
            time: 10.0 * steps * step,
            before,
            after,
        }
    }

    #[test]
    fn a_slice_that_somebody_disturbs_does_not_count() {
        let slices = [
            slice(1000.0, 1.0, [100.0, 100.0]),
            slice(1500.0, 1.0, [100.0, 113.0]),
            slice(1700.0, 1.0, [113.0, 100.0]),
        ];
        let calm = Calm::of(slices.iter()).expect("there are slices");
        assert_eq!((calm.slices, calm.of), (1, 3));
        assert_eq!(calm.median(&slices), Some(1000.0));
        assert_eq!(calm.median(&slices[1..]), None);
        assert_eq!(mean(&slices), 1400.0);
    }

    #[test]
    fn figures_of_a_slow_clock_and_of_a_fast_one_are_the_same() {
        let slices = [0.8, 1.0, 1.25].map(|it| slice(1000.0, it, [100.0, 101.0]));
        let calm = Calm::of(slices.iter()).expect("there are slices");
        assert_eq!(calm.step, 1.0);
        for slice in &slices {
            let each = calm.each(slice).expect("it is calm");
            assert!((each - 1000.0).abs() < 1e-6, "{each}");
        }
    }

    #[test]
    fn one_call_that_seems_short_is_not_what_calm_is() {
        let mut values = vec![150.0; 400];
        values.extend([100.0; 10]);
        values.extend([40.0, 70.0]);
        assert_eq!(least_crowd(values), Some(100.0));
        assert_eq!(least_crowd(vec![120.0, 100.0]), Some(100.0));
        assert_eq!(least_crowd(Vec::new()), None);
    }

    #[test]
    fn a_yardstick_takes_time() {
        let pace = Pace::now();
        assert!(pace.step > 0.0 && pace.call > pace.step, "{pace:?}");
    }
}
