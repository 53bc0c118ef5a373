//! One run: two processes, one mechanism, one size of message, one placement.

mod first;
mod second;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use hdrhistogram::Histogram;
use ipc_bench::memory::Shared;
use ipc_bench::ring::LINE;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::mman::MapFlags;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;

use crate::calls::Calls;
use crate::mechanism::{Mechanism, Pair, Remove};
use crate::pace::Slice;
use crate::partner::{self, LIMIT};
use crate::signals::Held;

/// Where the two processes run.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Deserialize,
    serde::Serialize,
    clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// Both on one processor: each message needs a switch.
    Same,
    /// Each on a processor of its own.
    Two,
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Same => "same processor",
            Self::Two => "two processors",
        })
    }
}

/// What they do.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize, serde::Serialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Pattern {
    /// A message there, its answer back, the next message.
    RoundTrip,
    /// One sends as fast as it can, the other receives.
    Stream,
}

/// A run that is to be made.
#[derive(Clone, Copy)]
pub struct Job {
    pub mechanism: &'static Mechanism,
    /// Bytes in a message.
    pub size: usize,
    pub placement: Placement,
    pub pattern: Pattern,
    /// How long each measured part takes.
    pub time: Duration,
    /// Round trips in a second, begun on time whether or not the last one is back; `None`: at once.
    pub rate: Option<u64>,
    /// Only one message and its answer, for strace to see.
    pub traced: bool,
    /// Not for its times: the system calls are counted, which makes each of them slower.
    pub counted: bool,
    /// The two processors: the parent's, and the child's where they are placed on two.
    pub processors: [usize; 2],
}

/// What a run has measured.
#[derive(serde::Serialize, serde::Deserialize)]
pub struct Sample {
    /// The round trips, or the messages of a stream, and how long they took.
    pub slices: Vec<Slice>,
    /// Messages that were sent and did not arrive.
    pub lost: u64,
    /// Nanoseconds of each round trip; empty for a stream.
    #[serde(with = "recorded")]
    pub times: Histogram<u64>,
    /// Nanoseconds of processor time for each message, both processes together.
    pub cpu: f64,
    /// Switches for each message, both processes together.
    pub switches: f64,
    /// System calls for each message, both processes together, where they were counted.
    pub calls: f64,
    /// Nanoseconds of the first process's time that went to no message: to the yardsticks of [`crate::pace`], and
    /// to waiting for the time of the next round trip.
    pub beside: f64,
}

/// A histogram as pairs of a value and how often it was seen.
mod recorded {
    use hdrhistogram::Histogram;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(times: &Histogram<u64>, into: S) -> Result<S::Ok, S::Error> {
        let seen = times.iter_recorded();
        into.collect_seq(seen.map(|it| (it.value_iterated_to(), it.count_at_value())))
    }

    pub fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Histogram<u64>, D::Error> {
        let mut times = super::times();
        for (value, count) in Vec::<(u64, u64)>::deserialize(from)? {
            times.saturating_record_n(value, count);
        }
        Ok(times)
    }
}

/// What the two processes tell each other beside the messages.
#[repr(C, align(128))]
#[derive(Default)]
struct Control {
    /// The child has received the last message, and all below is there.
    done: AtomicBool,
    /// So many messages until now.
    received: AtomicU64,
    /// When the last one of a stream was received: nanoseconds of CLOCK_MONOTONIC.
    end: AtomicU64,
    /// This stream is the last one.
    over: AtomicBool,
    cpu: AtomicU64,
    switches: AtomicU64,
    calls: AtomicU64,
}

/// What the last message begins with; the others begin with zero.
pub const LAST: u8 = 0xFF;

/// Removes what outlives both processes.
struct Made(Option<Remove>);

impl Drop for Made {
    fn drop(&mut self) {
        self.0.iter().for_each(|it| it.now());
    }
}

/// Makes a run.
///
/// # Errors
/// When the mechanism is not to be had here or takes no message of this size, or the other process
/// fails.
pub fn run(job: &Job) -> anyhow::Result<Sample> {
    let signals = Held::hold()?; // until all that is made here has been removed
    let memory = Shared::anonymous(size_of::<Control>(), MapFlags::empty())?;
    // SAFETY: it is as large as a Control, all zeros, begins at a page, and outlives both uses.
    let control = unsafe { &*memory.start().cast::<Control>() };
    let Pair {
        mut ours,
        mut theirs,
        remove,
    } = (job.mechanism.open)(job.size)?;
    let _made = Made(remove);
    let mut sample = partner::both(
        job.time * 3 + LIMIT,
        remove,
        &signals,
        move || first::measure(job, control, &mut *ours),
        move || {
            let what = || format!("{}, {} B", job.mechanism.name, job.size);
            second::serve(job, control, &mut *theirs).with_context(what)
        },
    )?;
    let received = control.received.load(Ordering::Acquire).max(1) as f64;
    let messages = match job.pattern {
        Pattern::Stream => received,
        Pattern::RoundTrip => 2.0 * received,
    };
    let theirs = |it: &AtomicU64| it.load(Ordering::Relaxed) as f64;
    sample.cpu = (sample.cpu + theirs(&control.cpu)) / messages;
    sample.switches = (sample.switches + theirs(&control.switches)) / messages;
    sample.calls = (sample.calls + theirs(&control.calls)) / messages;
    Ok(sample)
}

/// Runs this thread on one processor.
///
/// # Errors
/// When this process may not use that one.
pub fn pin(processor: usize) -> anyhow::Result<()> {
    let mut set = CpuSet::new();
    set.set(processor).context("CPU_SET")?;
    sched_setaffinity(Pid::from_raw(0), &set)
        .with_context(|| format!("sched_setaffinity to processor {processor}"))
}

/// Processor time in nanoseconds and switches of this process until now.
fn usage() -> anyhow::Result<(u64, u64)> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).context("getrusage")?;
    let switches = usage.voluntary_context_switches() + usage.involuntary_context_switches();
    Ok((processor_time()?, switches as u64))
}

fn processor_time() -> anyhow::Result<u64> {
    clock(ClockId::CLOCK_PROCESS_CPUTIME_ID)
}

fn now() -> anyhow::Result<u64> {
    clock(ClockId::CLOCK_MONOTONIC)
}

/// Nanoseconds.
fn clock(id: ClockId) -> anyhow::Result<u64> {
    Ok(clock_gettime(id)
        .context("clock_gettime")?
        .num_nanoseconds() as u64)
}

/// So many bytes that begin on a cache line: copies to and from other addresses take longer.
fn aligned(memory: &mut Vec<u8>, size: usize) -> &mut [u8] {
    memory.resize(size + LINE, 0);
    let start = memory.as_ptr().align_offset(LINE);
    &mut memory[start..start + size]
}

/// Byte `at` of message `number`: no message is like the one before it.
fn byte(number: usize, at: usize) -> u8 {
    (number * 17 + at * 31 + at / 251 + 7) as u8
}

/// So many messages go there and back before the clock runs, and every byte of them is looked at.
pub const CHECKED: usize = 8;

fn check(message: &[u8], expected: impl Fn(usize) -> u8) -> anyhow::Result<()> {
    match message
        .iter()
        .enumerate()
        .find(|(at, byte)| **byte != expected(*at))
    {
        Some((at, _)) => bail!("byte {at} of a message is not what was sent"),
        None => Ok(()),
    }
}

impl Default for Sample {
    fn default() -> Self {
        Self {
            slices: Vec::new(),
            lost: 0,
            times: times(),
            cpu: 0.0,
            switches: 0.0,
            calls: 0.0,
            beside: 0.0,
        }
    }
}

/// From a nanosecond to a minute, three digits.
pub fn times() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("these bounds are valid")
}

/// How many calls there were, if they are counted.
fn count(calls: Option<&mut Calls>) -> anyhow::Result<u64> {
    calls.map_or(Ok(0), Calls::until_now)
}
