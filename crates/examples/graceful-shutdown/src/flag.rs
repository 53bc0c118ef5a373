//! The wrong way, kept for comparison (--flag): a handler that only sets a flag.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use lesson::say;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

/// Cleared by the handler, read by the loop.
static KEEP_RUNNING: AtomicBool = AtomicBool::new(true);

/// Runs in the middle of whatever the program is doing, so it may do almost nothing.
extern "C" fn handler(_signal: libc::c_int) {
    KEEP_RUNNING.store(false, Ordering::Relaxed);
}

/// Does what `main` does, but sees a signal only between two blocking calls.
pub fn run(path: &Path) -> anyhow::Result<()> {
    // Without SA_RESTART a blocked call returns EINTR once the handler has run.
    let action = SigAction::new(
        SigHandler::Handler(handler),
        SaFlags::empty(),
        SigSet::empty(),
    );
    for number in [Signal::SIGINT, Signal::SIGTERM] {
        // SAFETY: the handler only stores into an atomic, which signal-safety(7) allows.
        unsafe { sigaction(number, &action) }.context("sigaction")?;
    }

    let _made = fifo::create(path)?;
    // Wrong: nobody looks at the flag while the program is blocked. In C the flag is a race as
    // well: a signal between the look at it and the blocking call is seen after the call.
    super::print_lines(path, || KEEP_RUNNING.load(Ordering::Relaxed))?;
    fifo::unlink(path);
    say!("Done: the FIFO is removed");
    Ok(())
}
