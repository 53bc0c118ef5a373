//! A point in time, not a length of time: what is left until then shrinks with each interruption.

use std::time::{Duration, Instant};

use lesson::note;
use nix::errno::Errno;

/// When a wait is over.
#[derive(Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// So long from now.
    pub fn after(limit: Duration) -> Self {
        Self(Instant::now() + limit)
    }

    /// How long from now; zero once it has passed.
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Makes the call, and once more each time a signal interrupts it (EINTR).
    ///
    /// Each time with what is left: with the whole limit once more, a signal now and then would
    /// make the wait endless. No handler is needed for that: see signal(7), "Interruption of system
    /// calls and library functions by stop signals".
    pub fn wait<T>(self, mut call: impl FnMut(Duration) -> nix::Result<T>) -> nix::Result<T> {
        loop {
            match call(self.left()) {
                Err(Errno::EINTR) => {
                    note!(
                        "EINTR: a signal came; {} ms are left",
                        self.left().as_millis()
                    );
                }
                answer => return answer,
            }
        }
    }
}
