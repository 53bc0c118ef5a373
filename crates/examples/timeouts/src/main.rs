//! Waiting for what may never come, but not for ever: the same deadline on each mechanism, and how
//! each of them says that the time is up.
//!
//! One program, no partner: cargo run -q --bin timeouts

mod calls;
mod deadline;

use std::panic::resume_unwind;
use std::thread;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;
use deadline::Deadline;
use lesson::{Failure, say};
use sysv_sem::Semaphores;

/// The mechanism, the call that waits, and the function in src/calls.rs that makes it.
type Row = (
    &'static str,
    &'static str,
    fn(Deadline) -> anyhow::Result<String>,
);

const ROWS: [Row; 6] = [
    ("System V semaphore", "semtimedop", calls::semaphore),
    ("socket", "recv, SO_RCVTIMEO", calls::socket),
    ("listening socket", "accept, SO_RCVTIMEO", calls::listener),
    ("pipe", "poll", calls::pipe),
    ("POSIX queue", "mq_timedreceive", calls::posix_queue),
    ("System V queue", "msgrcv, IPC_NOWAIT", calls::sysv_queue),
];

/// The limit of a wait that ends long before it.
const LONG: Duration = Duration::from_secs(60);

/// Wait on each mechanism for what never comes, with a deadline
#[derive(Parser)]
struct Args {
    /// How long each call waits
    #[arg(long, value_name = "MS", default_value_t = 100,
          value_parser = clap::value_parser!(u32).range(1..=3_600_000))]
    timeout_ms: u32,
}

fn main() -> Result<(), Failure> {
    let Args { timeout_ms } = Args::parse();
    lesson::clean_up_on_signal()?;

    nothing_comes(timeout_ms)?;
    something_comes()?;
    Ok(())
}

fn nothing_comes(timeout_ms: u32) -> anyhow::Result<()> {
    say!("Nothing comes:");
    let limit = format!("{timeout_ms} ms");
    row("mechanism", "call", "deadline", "what came back");
    for (mechanism, call, wait) in ROWS {
        let deadline = Deadline::after(Duration::from_millis(timeout_ms.into()));
        let answer = wait(deadline)?;
        let left = deadline.left();
        ensure!(left.is_zero(), "{call}: back {left:?} before the deadline");
        row(mechanism, call, &limit, &answer);
    }
    say!("  waited at least {limit}: yes, each of them");
    Ok(())
}

/// A timeout that is not needed costs nothing: the call returns when the event comes.
fn something_comes() -> anyhow::Result<()> {
    say!("A V comes while the P sleeps:");
    let (set, _made) = calls::semaphore_set()?;
    let deadline = Deadline::after(LONG);
    thread::scope(|scope| {
        let partner = scope.spawn(|| v_once_a_p_sleeps(set));
        let taken = deadline.wait(|left| set.p_once(left, 0));
        partner
            .join()
            .unwrap_or_else(|panic| resume_unwind(panic))?;
        taken.context("semtimedop")
    })?;
    let late = deadline.left().is_zero();
    ensure!(!late, "semtimedop: back after the deadline");
    let limit = format!("{} s", LONG.as_secs());
    row("System V semaphore", "semtimedop", &limit, "returns 0");
    say!("  waited less than {limit}: yes");
    Ok(())
}

fn row(mechanism: &str, call: &str, deadline: &str, answer: &str) {
    say!("  {mechanism:<20}{call:<21}{deadline:<10}{answer}");
}

/// GETNCNT tells how many sleep in a P; the kernel has no event for that.
fn v_once_a_p_sleeps(set: Semaphores) -> anyhow::Result<()> {
    lesson::poll_until(LONG, || Ok((set.waiting(0)? > 0).then_some(())))?;
    set.v(0)
}
