//! The second process: it receives, and answers.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;

use super::{CHECKED, Control, Job, LAST, Pattern, Placement};
use super::{aligned, byte, check, count, now, pin, usage};
use crate::calls::Calls;
use crate::explain;
use crate::mechanism::End;

/// Its part, to the last message; what it has counted is in `control` then.
///
/// # Errors
/// Those of the mechanism; or when a byte is not what was sent.
pub fn serve(job: &Job, control: &Control, end: &mut dyn End) -> anyhow::Result<()> {
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
    let mut calls = job.counted.then(Calls::count).transpose()?;
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
        .store(count(calls.as_mut())?, Ordering::Relaxed);
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
