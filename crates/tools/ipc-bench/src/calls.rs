//! How many system calls this thread makes, counted by the kernel itself: see perf_event_open(2).

use std::fs;

use anyhow::Context;
use perf_event::events::Tracepoint;
use perf_event::{Builder, Counter};

/// Where the kernel tells the number of its tracepoint at the entrance of every system call.
const TRACEPOINT: &str = "/sys/kernel/tracing/events/raw_syscalls/sys_enter/id";

/// A counter of this thread's system calls that runs from now on.
///
/// # Errors
/// When this process may not have one, or tracefs is not mounted.
pub fn counter() -> anyhow::Result<Counter> {
    let id = fs::read_to_string(TRACEPOINT).with_context(|| format!("read {TRACEPOINT}"))?;
    let id = id
        .trim()
        .parse()
        .with_context(|| format!("{TRACEPOINT}: {id}"))?;
    // The tracepoint lies inside of the kernel, which is left out unless one asks for it.
    let counter = Builder::new(Tracepoint::with_id(id))
        .include_kernel()
        .build();
    let mut counter = counter.context("perf_event_open")?;
    counter.enable().context("start the counter")?;
    Ok(counter)
}
