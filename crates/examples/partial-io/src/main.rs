//! One read(2) brings less than it was asked for, one write(2) takes less, and a signal breaks
//! into both; src/lib.rs goes on until all is moved.
//!
//! One program, no partner: cargo run -q --bin partial-io

mod early_end;
mod peer;
mod reading;
mod writing;

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;
use lesson::{Failure, say};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

/// How often the handler has run.
static SIGNALS: AtomicUsize = AtomicUsize::new(0);

extern "C" fn handler(_signal: libc::c_int) {
    SIGNALS.fetch_add(1, Ordering::Relaxed);
}

fn main() -> Result<(), Failure> {
    lesson::no_arguments!();
    // Without SA_RESTART the call that a handler has interrupted returns: EINTR if nothing was
    // moved yet, and otherwise how much was.
    let action = SigHandler::Handler(handler);
    let action = SigAction::new(action, SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler only adds to an atomic, which signal-safety(7) allows.
    unsafe { sigaction(Signal::SIGUSR1, &action) }.context("sigaction SIGUSR1")?;

    say!("5 bytes to read: they come one at a time, a signal before each");
    reading::raw()?;
    reading::std()?;
    say!("More bytes to write than the pipe holds: three signals while it is full");
    writing::raw()?;
    writing::std()?;
    say!("The peer ends too early");
    early_end::reading()?;
    early_end::writing()?;
    Ok(())
}

/// What one call has done.
fn told(result: nix::Result<usize>) -> String {
    match result {
        Ok(1) => "1 byte".into(),
        Ok(moved) => format!("{moved} bytes"),
        Err(errno) => errno.to_string(),
    }
}

fn text(bytes: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(bytes))
}

/// The signals since this was asked last.
fn signals() -> String {
    format!("signals: {}", SIGNALS.swap(0, Ordering::Relaxed))
}
