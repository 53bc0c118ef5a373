//! Deadlines, and polling for what the kernel has no event for.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// A moment after which to stop waiting.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// The moment `limit` from now.
    pub fn after(limit: Duration) -> Self {
        Self(Instant::now() + limit)
    }

    /// The time left until then; zero once it has passed.
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

/// Tries every 2 ms until there is an answer; `None` once `limit` has passed.
///
/// Only for what the kernel has no event for: where it has one, wait for that.
///
/// # Errors
/// The first error of `attempt`.
pub fn poll_until<T>(
    limit: Duration,
    mut attempt: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<Option<T>> {
    let deadline = Deadline::after(limit);
    loop {
        let answer = attempt()?;
        if answer.is_some() || deadline.left().is_zero() {
            return Ok(answer);
        }
        sleep(Duration::from_millis(2));
    }
}
