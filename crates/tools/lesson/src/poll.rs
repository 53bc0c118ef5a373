//! Polling with a deadline, where the kernel has no event to wait for.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// Calls `attempt` every 2 ms until it returns `Some`; returns `None` once `limit` has passed.
///
/// Use it only where the kernel has no event to wait for.
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
