//! Polling, with a deadline, for what the kernel has no event for.

use std::thread::sleep;
use std::time::{Duration, Instant};

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
    let start = Instant::now();
    loop {
        let answer = attempt()?;
        if answer.is_some() || start.elapsed() >= limit {
            return Ok(answer);
        }
        sleep(Duration::from_millis(2));
    }
}
