//! The first process: it sends, and looks at the clock.

use std::hint::spin_loop;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::{CHECKED, Control, Job, LAST, Pattern, Placement, Sample};
use super::{aligned, byte, check, count, now, pin, processor_time, usage};
use crate::calls::Calls;
use crate::explain;
use crate::mechanism::End;
use crate::pace::{self, Pace, SLICE, Slice};
use crate::partner::LIMIT;

/// What is done before the clock runs, if the measurement is not shorter: caches, sleeping processors.
const WARM_UP: Duration = Duration::from_millis(10);

/// Its part. CPU time, switches and system calls of the sample are this process's sums alone.
///
/// # Errors
/// Those of the mechanism; or when nothing arrives, or a byte is not what was sent.
pub fn measure(job: &Job, control: &Control, end: &mut dyn End) -> anyhow::Result<Sample> {
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
    let mut sample = Sample::default(); // which maps memory: that call is none of the messages'
    let mut calls = job.counted.then(Calls::count).transpose()?;
    match job.pattern {
        Pattern::RoundTrip if job.traced => explain::once(end, message)?,
        Pattern::RoundTrip => round_trips(job, end, message, &mut sample)?,
        Pattern::Stream => streams(job, control, end, message, &mut sample)?,
    }
    sample.calls = count(calls.as_mut())? as f64;
    if !control.over.swap(true, Ordering::Relaxed) {
        say_last(job, control, end, message)?;
    }
    let after = usage()?;
    // Part of what is taken off was read from the clock on the wall.
    sample.cpu = ((after.0 - cpu) as f64 - sample.beside).max(0.0);
    sample.switches = (after.1 - switches) as f64;
    Ok(sample)
}

fn round_trips(
    job: &Job,
    end: &mut dyn End,
    message: &mut [u8],
    sample: &mut Sample,
) -> anyhow::Result<()> {
    let mut slice = |batch| bare(end, message, SLICE.min(job.time), batch);
    slices(job, WARM_UP.min(job.time), sample, &mut slice)?;
    if job.rate.is_none() {
        // First without a clock in between, then each with one: reading it takes time too.
        sample.slices = slices(job, job.time, sample, &mut slice)?;
    }
    let begin = Instant::now();
    let mut before = begin;
    let since = |number: u64, rate: u64| {
        let nanoseconds = u128::from(number) * 1_000_000_000 / u128::from(rate.max(1));
        Duration::from_nanos(nanoseconds as u64)
    };
    let mut number = 0;
    while before - begin < job.time {
        if let Some(rate) = job.rate {
            // Timed from when it should have begun: who comes late has waited, too.
            let intended = begin + since(number, rate);
            number += 1;
            sample.beside += spin_until(job, intended)?;
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

/// Looks at the clock until then; nanoseconds of processor time that this took.
fn spin_until(job: &Job, then: Instant) -> anyhow::Result<f64> {
    // Reading the processor time is a system call: none shortly before the message, nor where calls are counted.
    const APART: Duration = Duration::from_micros(2);
    let mut took = 0;
    if Instant::now() + APART < then && !job.counted {
        let begin = processor_time()?;
        while Instant::now() + APART < then {
            spin_loop();
        }
        took = processor_time()? - begin;
    }
    let rest = then.saturating_duration_since(Instant::now());
    while Instant::now() < then {
        spin_loop();
    }
    Ok(took as f64 + rest.as_nanos() as f64)
}

/// Round trips for so long: how many, and in how many nanoseconds.
fn bare(
    end: &mut dyn End,
    message: &mut [u8],
    time: Duration,
    batch: u64,
) -> anyhow::Result<(u64, f64)> {
    let (begin, mut count) = (Instant::now(), 0);
    // At least one, however late this process comes to it.
    while count == 0 || begin.elapsed() < time {
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
        while sent == 0 || now()? - from < length.as_nanos() as u64 {
            let batch = batch.max(sent / 10);
            end.send_all(message, batch)?;
            sent += batch;
        }
        end.flush().context("send")?;
        say_last(job, control, end, message)?;
        message.fill(0);
        let received = control.received.load(Ordering::Relaxed) - before;
        lost += sent - received;
        ensure!(received > 0, "no message arrived");
        let time = control.end.load(Ordering::Relaxed) - from;
        Ok((received, time as f64))
    };
    if !job.mechanism.loses {
        slices(job, WARM_UP.min(job.time), sample, &mut stream)?;
    }
    sample.slices = slices(job, job.time, sample, &mut stream)?;
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
    sample: &mut Sample,
    mut slice: impl FnMut(u64) -> anyhow::Result<(u64, f64)>,
) -> anyhow::Result<Vec<Slice>> {
    // How fast the processor is; not while system calls are counted, for it takes some.
    let pace = || match job.counted {
        true => Pace::default(),
        false => Pace::now(),
    };
    let mut batch = 1;
    let slices = pace::slices(time, pace, || {
        let (count, time) = slice(batch)?;
        batch = (count / 10).max(1);
        Ok((count, time))
    })?;
    let first = slices.first().map(|it| it.before.took);
    let others = slices.iter().map(|it| it.after.took);
    sample.beside += first.into_iter().chain(others).sum::<f64>();
    Ok(slices)
}
