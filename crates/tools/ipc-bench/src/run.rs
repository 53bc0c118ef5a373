//! One run: two processes, one mechanism, one size of message, one placement.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use hdrhistogram::Histogram;
use ipc_bench::memory::Shared;
use ipc_bench::ring::LINE;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::mman::MapFlags;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;
use perf_event::Counter;

use crate::calls;
use crate::explain;
use crate::mechanism::{End, Mechanism, Pair, Remove};
use crate::pace::{Pace, SLICE, Slice};
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

/// What is done before the clock runs: caches, sleeping processors.
const WARM_UP: Duration = Duration::from_millis(10);

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
        move || measure(job, control, &mut *ours),
        move || {
            let what = || format!("{}, {} B", job.mechanism.name, job.size);
            serve(job, control, &mut *theirs).with_context(what)
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
    Ok((clock(ClockId::CLOCK_PROCESS_CPUTIME_ID)?, switches as u64))
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

/// The child's part.
fn serve(job: &Job, control: &Control, end: &mut dyn End) -> anyhow::Result<()> {
    pin(match job.placement {
        Placement::Same => job.processors[0],
        Placement::Two => job.processors[1],
    })?;
    let mut memory = Vec::new();
    let message = aligned(&mut memory, job.size);
    for number in 0..CHECKED {
        end.receive(message).context("receive")?;
        check(message, |at| byte(number, at))?;
        message.iter_mut().for_each(|it| *it = !*it);
        end.send(message).context("send")?;
        end.flush().context("send")?;
    }
    let (cpu, switches) = usage()?;
    let mut counter = job.counted.then(calls::counter).transpose()?;
    if job.traced {
        explain::answer(end, message)?;
    }
    match job.pattern {
        Pattern::RoundTrip => {
            let received = end.receive_all(message, LAST, true)?;
            control.received.store(received, Ordering::Relaxed);
        }
        Pattern::Stream => while !receive_stream(job, control, end, message)? {},
    }
    control
        .calls
        .store(count(counter.as_mut())?, Ordering::Relaxed);
    let after = usage()?;
    control.cpu.store(after.0 - cpu, Ordering::Relaxed);
    control
        .switches
        .store(after.1 - switches, Ordering::Relaxed);
    control.done.store(true, Ordering::Release);
    Ok(())
}

/// Receives a stream to its end, and says whether it was the last one.
fn receive_stream(
    job: &Job,
    control: &Control,
    end: &mut dyn End,
    message: &mut [u8],
) -> anyhow::Result<bool> {
    let received = if job.mechanism.loses {
        receive_what_comes(end, message, &control.end)?
    } else {
        let received = end.receive_all(message, LAST, false)?;
        control.end.store(now()?, Ordering::Relaxed);
        received
    };
    control.received.fetch_add(received, Ordering::Relaxed);
    let over = control.over.load(Ordering::Relaxed);
    if !job.mechanism.loses {
        // To say that all of it is there.
        end.send(message).context("send")?;
        end.flush().context("send")?;
    }
    Ok(over)
}

/// Receives until the last message, which may come long after the one before it, for it may have to be
/// sent again: the time is therefore noted at each.
fn receive_what_comes(
    end: &mut dyn End,
    message: &mut [u8],
    time: &AtomicU64,
) -> anyhow::Result<u64> {
    let mut received = 0;
    loop {
        end.receive(message).context("receive")?;
        if message[0] == LAST {
            return Ok(received);
        }
        received += 1;
        time.store(now()?, Ordering::Relaxed);
    }
}

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

/// The parent's part. CPU time and switches of the sample are this process's sums alone.
fn measure(job: &Job, control: &Control, end: &mut dyn End) -> anyhow::Result<Sample> {
    pin(job.processors[0])?;
    let mut memory = Vec::new();
    let message = aligned(&mut memory, job.size);
    for number in 0..CHECKED {
        message
            .iter_mut()
            .enumerate()
            .for_each(|(at, it)| *it = byte(number, at));
        end.send(message).context("send")?;
        end.flush().context("send")?;
        end.receive(message).context("receive")?;
        check(message, |at| !byte(number, at))?;
    }
    let (cpu, switches) = usage()?;
    message.fill(0);
    let mut counter = job.counted.then(calls::counter).transpose()?;
    let mut sample = Sample::default();
    match job.pattern {
        Pattern::RoundTrip if job.traced => explain::once(end, message)?,
        Pattern::RoundTrip => round_trips(job, end, message, &mut sample)?,
        Pattern::Stream => streams(job, control, end, message, &mut sample)?,
    }
    sample.calls = count(counter.as_mut())? as f64;
    if !control.over.swap(true, Ordering::Relaxed) {
        say_last(job, control, end, message)?;
    }
    let after = usage()?;
    let first = sample.slices.first().map(|it| it.before);
    let paces = first
        .into_iter()
        .chain(sample.slices.iter().map(|it| it.after));
    sample.cpu = (after.0 - cpu) as f64 - paces.map(|it| it.took).sum::<f64>();
    sample.switches = (after.1 - switches) as f64;
    Ok(sample)
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
        }
    }
}

/// From a nanosecond to a minute, three digits.
pub fn times() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("these bounds are valid")
}

fn round_trips(
    job: &Job,
    end: &mut dyn End,
    message: &mut [u8],
    sample: &mut Sample,
) -> anyhow::Result<()> {
    let mut slice = |batch| bare(end, message, SLICE.min(job.time), batch);
    slices(job, WARM_UP, &mut slice)?;
    if job.rate.is_none() {
        // First without a clock in between, then each with one: reading it takes time too.
        sample.slices = slices(job, job.time, &mut slice)?;
    }
    let begin = Instant::now();
    let mut before = begin;
    let gap = job
        .rate
        .map(|rate| Duration::from_nanos(1_000_000_000 / rate.max(1)));
    let mut number = 0;
    while before - begin < job.time {
        if let Some(gap) = gap {
            // Timed from when it should have begun: who comes late has waited, too.
            let intended = begin + gap * number;
            number += 1;
            while Instant::now() < intended {
                std::hint::spin_loop();
            }
            before = intended;
        }
        end.send(message).context("send")?;
        end.receive(message).context("receive")?;
        let after = Instant::now();
        sample
            .times
            .saturating_record((after - before).as_nanos() as u64);
        before = after;
    }
    if job.rate.is_some() {
        let count = sample.times.len();
        sample.slices.push(Slice {
            count,
            time: sample.times.mean() * count as f64,
            ..Slice::default()
        });
    }
    Ok(())
}

/// Round trips for so long: how many, and in how many nanoseconds.
fn bare(
    end: &mut dyn End,
    message: &mut [u8],
    time: Duration,
    batch: u64,
) -> anyhow::Result<(u64, f64)> {
    let (begin, mut count) = (Instant::now(), 0);
    while begin.elapsed() < time {
        let batch = batch.max(count / 10);
        end.round_trips(message, batch)?;
        count += batch;
    }
    Ok((count, begin.elapsed().as_nanos() as f64))
}

/// Streams, each until all of it has arrived: short ones on one processor, where it may be calm for that
/// long; elsewhere one, for there it takes time until both run.
fn streams(
    job: &Job,
    control: &Control,
    end: &mut dyn End,
    message: &mut [u8],
    sample: &mut Sample,
) -> anyhow::Result<()> {
    let length = match job.placement {
        Placement::Same if !job.mechanism.loses => SLICE.min(job.time),
        _ => job.time,
    };
    // Where messages are lost nobody waits for an answer; there is one stream.
    control.over.store(job.mechanism.loses, Ordering::Relaxed);
    let mut lost = 0;
    let mut stream = |batch: u64| {
        let (from, before) = (now()?, control.received.load(Ordering::Relaxed));
        let mut sent = 0;
        while now()? - from < length.as_nanos() as u64 {
            let batch = batch.max(sent / 10);
            end.send_all(message, batch)?;
            sent += batch;
        }
        end.flush().context("send")?;
        say_last(job, control, end, message)?;
        message.fill(0);
        let received = control.received.load(Ordering::Relaxed) - before;
        lost += sent - received;
        Ok((
            received,
            (control.end.load(Ordering::Relaxed) - from) as f64,
        ))
    };
    if !job.mechanism.loses {
        slices(job, WARM_UP, &mut stream)?;
    }
    sample.slices = slices(job, job.time, &mut stream)?;
    sample.lost = lost;
    Ok(())
}

/// Sends the last message, and waits until the other side has it.
fn say_last(
    job: &Job,
    control: &Control,
    end: &mut dyn End,
    message: &mut [u8],
) -> anyhow::Result<()> {
    message.fill(LAST);
    end.send(message).context("send")?;
    end.flush().context("send")?;
    if job.pattern == Pattern::Stream && !job.mechanism.loses {
        return end.receive(message).context("receive");
    }
    // No event: the receiver says so in memory alone. It is at most one queue behind.
    let done = lesson::poll_until(LIMIT, || {
        let done = control.done.load(Ordering::Acquire);
        if !done && job.mechanism.loses {
            end.send(message).context("send")?;
        }
        Ok(done.then_some(()))
    })?;
    done.context("the last message did not arrive")
}

/// Slices until so much time is over, each by `slice`: it is told how many messages there may be between two
/// looks at the clock, so that the clock is no part of the figure, and tells how many have arrived and the
/// nanoseconds.
fn slices(
    job: &Job,
    time: Duration,
    mut slice: impl FnMut(u64) -> anyhow::Result<(u64, f64)>,
) -> anyhow::Result<Vec<Slice>> {
    let begin = Instant::now();
    let (mut slices, mut batch) = (Vec::new(), 1);
    let mut before = pace(job);
    while begin.elapsed() < time {
        let (count, time) = slice(batch)?;
        ensure!(count > 0, "no message arrived");
        let after = pace(job);
        slices.push(Slice {
            count,
            time,
            before,
            after,
        });
        (before, batch) = (after, (count / 10).max(1));
    }
    Ok(slices)
}

/// How fast the processor is; not while system calls are counted, for it takes some.
fn pace(job: &Job) -> Pace {
    if job.counted {
        Pace::default()
    } else {
        Pace::now()
    }
}

/// What a counter says, if there is one.
fn count(counter: Option<&mut Counter>) -> anyhow::Result<u64> {
    counter.map_or(Ok(0), |it| it.read().context("read the counter"))
}
