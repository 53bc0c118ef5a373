//! How many system calls this thread makes, counted by the kernel itself: see perf_event_open(2).

use std::fs;

use anyhow::Context;
use perf_event::events::Tracepoint;
use perf_event::{Builder, Counter};

/// Where the kernel tells the number of its tracepoint at the entrance of every system call.
const TRACEPOINT: &str = "/sys/kernel/tracing/events/raw_syscalls/sys_enter/id";

/// Counts this thread's system calls.
pub struct Calls {
    counter: Counter,
    /// What was there when it began: its own calls, the one that reads it included.
    own: u64,
}

impl Calls {
    /// From now on.
    ///
    /// # Errors
    /// When this process may not count, or tracefs is not mounted.
    pub fn count() -> anyhow::Result<Self> {
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
        let first = counter.read().context("read the counter")?;
        let second = counter.read().context("read the counter")?;
        let own = second + (second - first);
        Ok(Self { counter, own })
    }

    /// How many there were until now.
    ///
    /// # Errors
    /// When the counter cannot be read.
    pub fn until_now(&mut self) -> anyhow::Result<u64> {
        let count = self.counter.read().context("read the counter")?;
        Ok(count.saturating_sub(self.own))
    }
}
