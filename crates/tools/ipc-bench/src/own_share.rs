//! What this program itself adds to a round trip.

use std::hint::black_box;
use std::io;
use std::time::{Duration, Instant};

use crate::mechanism::End;
use crate::run::LAST;

/// The loops' own work for a message, done so many times more.
const DOSE: u64 = 16;

/// Calls that do nothing, and then `dose` times the work that the loops of both sides do for each message.
struct Nothing {
    /// So many messages are still to come; the one after them is the last.
    left: u64,
    dose: u64,
}

impl End for Nothing {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        black_box(message);
        Ok(())
    }

    fn receive(&mut self, message: &mut [u8]) -> io::Result<()> {
        let last = self.left == 0;
        self.left = self.left.wrapping_sub(1);
        message[0] = if last { LAST } else { 0 };
        let mut received = 0_u64;
        for _ in 0..self.dose {
            if black_box(&*message)[0] == LAST {
                break;
            }
            received += 1;
        }
        black_box(received);
        Ok(())
    }
}

/// Nanoseconds of a round trip that are this program's own: what its loops do beside the calls, on both
/// sides. It is too little to be seen by itself, so it is done [`DOSE`] times more, around calls that do
/// nothing, and what that adds is divided.
///
/// # Errors
/// Those of the loops, whose calls do nothing here.
pub fn own_share(time: Duration) -> anyhow::Result<f64> {
    /// Between two looks at the clock.
    const TRIPS: u64 = 1 << 12;
    let round_trip = |dose| -> anyhow::Result<f64> {
        let begin = Instant::now();
        let mut count = 0;
        // At least once, however late this process comes to it.
        while count == 0 || begin.elapsed() < time / 2 {
            // Both are local, so their counters stay in a register: memory's time would not be the loops'.
            let nothing = |left| Nothing { left, dose };
            nothing(u64::MAX).round_trips(&mut [0; 64], TRIPS)?;
            nothing(TRIPS).receive_all(&mut [0; 64], LAST, true)?;
            count += TRIPS;
        }
        Ok(begin.elapsed().as_nanos() as f64 / count as f64)
    };
    let (without, with) = (round_trip(0)?, round_trip(DOSE)?);
    // Each of the two receives a message in a round trip, and does the work of both.
    Ok((with - without).max(0.0) / (2 * DOSE) as f64)
}
