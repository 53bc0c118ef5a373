//! What no mechanism can beat: the parts that every message is made of, measured alone.

use std::hint::{black_box, spin_loop};
use std::ptr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ipc_bench::memory::Shared;
use nix::sched::sched_yield;
use nix::sys::mman::MapFlags;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::figures::{Figure, Plan};
use crate::own_share::own_share;
use crate::pace::{self, Calm, Pace, SLICE, Slice};
use crate::partner::{self, LIMIT};
use crate::run::{Placement, pin};
use crate::signals::Held;

/// Nanoseconds each.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Limits {
    /// Reading the clock once.
    pub clock: f64,
    /// The shortest system call: getppid(2).
    pub call: f64,
    /// What this program itself adds to a round trip, both processes together.
    pub own: f64,
    /// From one process to another on the same processor: sched_yield(2), less the call.
    pub switch: f64,
    /// A cache line to the other processor and back, where there are two.
    pub line: Option<f64>,
    /// Of each size of message.
    pub copies: Vec<Copy>,
}

/// Nanoseconds of a copy.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Copy {
    /// Of so many bytes.
    pub size: usize,
    /// From memory that this processor has used last.
    pub near: f64,
    /// Of what the other processor has just written, where there are two.
    pub far: Option<f64>,
}

/// The limits as they were at one time, in nanoseconds; what one processor does, in slices of which only the calm
/// ones are to count.
pub struct Measured {
    clock: f64,
    call: f64,
    own: f64,
    /// Of a switch and a call.
    switch: Vec<Slice>,
    line: Option<f64>,
    copies: Vec<MeasuredCopy>,
}

struct MeasuredCopy {
    size: usize,
    near: Vec<Slice>,
    far: Option<f64>,
}

impl Measured {
    /// Measures them once.
    ///
    /// # Errors
    /// When a process cannot be made or placed.
    pub fn now(plan: &Plan) -> anyhow::Result<Self> {
        let (processors, time) = (plan.processors, plan.time.min(Duration::from_millis(50)));
        let two = plan.placements.contains(&Placement::Two);
        pin(processors[0])?;
        let clock = repeat(time, || {
            black_box(Instant::now());
        });
        let call = repeat(time, || {
            // SAFETY: getppid takes nothing.
            unsafe { libc::syscall(libc::SYS_getppid) };
        });
        let copies = plan.sizes.iter().map(|&size| {
            let time = time / 10;
            let near = copy(size, time)?;
            let far = two.then(|| far_copy(size, processors, time));
            let far = far.transpose()?;
            Ok(MeasuredCopy { size, near, far })
        });
        Ok(Self {
            clock,
            call,
            own: own_share(time)?,
            switch: switch(processors[0], time)?,
            line: match two {
                true => Some(line(processors, time)?),
                false => None,
            },
            copies: copies.collect::<anyhow::Result<_>>()?,
        })
    }
}

impl Limits {
    /// What all repetitions come to, one processor in calm moments; and beside it how the cache line's round trip
    /// has moved.
    pub fn of(all: &[Measured], calm: Option<Calm>) -> (Self, Option<Figure>) {
        let some = |of: &dyn Fn(&Measured) -> Option<f64>| {
            let values: Vec<_> = all.iter().filter_map(of).collect();
            (!values.is_empty()).then(|| Figure::of(values))
        };
        let figure = |of: &dyn Fn(&Measured) -> f64| some(&|it| Some(of(it))).unwrap_or_default();
        let on_one = |of: &dyn Fn(&Measured) -> &[Slice]| {
            let calm = calm.and_then(|it| it.median(all.iter().flat_map(of)));
            // Without a calm moment, or any that is known: the least that was seen.
            let means = all.iter().flat_map(of).map(|it| it.time / it.count as f64);
            calm.unwrap_or_else(|| Figure::of(means.collect()).least)
        };
        let sizes = all.first().map_or(0, |it| it.copies.len());
        let copies = (0..sizes).map(|at| Copy {
            size: all[0].copies[at].size,
            near: on_one(&|it| &it.copies[at].near),
            far: some(&|it| it.copies[at].far).map(|it| it.median),
        });
        let line = some(&|it| it.line);
        let call = match calm {
            Some(calm) if calm.slices > 0 => calm.call_in_steps * calm.step,
            _ => figure(&|it| it.call).least,
        };
        let limits = Self {
            clock: figure(&|it| it.clock).least,
            call,
            // A difference is as often too small as too great.
            own: figure(&|it| it.own).median,
            switch: (on_one(&|it| &it.switch) - call).max(0.0),
            // The least may be of a moment in which both were halves of one core.
            line: line.map(|it| it.median),
            copies: copies.collect(),
        };
        (limits, line)
    }

    /// That of a size which was measured.
    pub fn copy(&self, size: usize) -> Copy {
        let copy = self.copies.iter().find(|it| it.size == size);
        copy.copied().unwrap_or_default()
    }
}

/// Copies of so many bytes.
fn copy(size: usize, time: Duration) -> anyhow::Result<Vec<Slice>> {
    let (from, mut to) = (vec![1_u8; size], vec![0_u8; size]);
    let batch = ((1 << 16) / size as u64).clamp(1, 64);
    pace::slices(time, Pace::now, || {
        Ok(counted(SLICE.min(time), batch, || {
            black_box(&mut to).copy_from_slice(black_box(&from))
        }))
    })
}

/// Nanoseconds for one copy of so many bytes that the other processor has just written.
///
/// # Errors
/// When a process cannot be made or placed.
fn far_copy(size: usize, processors: [usize; 2], time: Duration) -> anyhow::Result<f64> {
    // Many at a time, for each turn takes time; in all no more than a second cache holds.
    let count = ((1 << 20) / size).max(1);
    let memory = Shared::anonymous(size * count, MapFlags::MAP_POPULATE)?;
    let (start, mut local) = (memory.start(), vec![1_u8; size]);
    let mut here = local.clone();
    with_partner(
        processors,
        |board| {
            their_turns(board, || {
                for number in 0..count {
                    let from = black_box(&mut here).as_ptr();
                    // SAFETY: `count` such parts fit, and the other process waits for its turn.
                    unsafe { ptr::copy_nonoverlapping(from, start.add(number * size), size) };
                }
            });
        },
        |board| {
            let begin = Instant::now();
            let (mut turn, mut times) = (0, Vec::new());
            while begin.elapsed() < time {
                our_turn(board, &mut turn);
                let begin = Instant::now();
                for number in 0..count {
                    let to = black_box(&mut local).as_mut_ptr();
                    // SAFETY: as above, with the turn here.
                    unsafe { ptr::copy_nonoverlapping(start.add(number * size), to, size) };
                }
                times.push(begin.elapsed().as_nanos() as f64);
            }
            Ok(Figure::of(times).median / count as f64)
        },
    )
}

/// Nanoseconds for each, on average.
fn repeat(time: Duration, what: impl FnMut()) -> f64 {
    let (count, time) = counted(time, 64, what);
    time / count as f64
}

/// How often in so much time, so many times between two looks at the clock; and the nanoseconds that it took.
fn counted(time: Duration, batch: u64, mut what: impl FnMut()) -> (u64, f64) {
    let begin = Instant::now();
    let mut count = 0;
    while count == 0 || begin.elapsed() < time {
        for _ in 0..batch {
            what();
        }
        count += batch;
    }
    (count, begin.elapsed().as_nanos() as f64)
}

#[repr(C, align(128))]
struct Board {
    ball: AtomicU32,
    _apart: [u64; 15],
    stop: AtomicU32,
    yields: AtomicU64,
}

/// Two processes that yield to each other.
fn switch(processor: usize, time: Duration) -> anyhow::Result<Vec<Slice>> {
    let yields = |board: &Board| {
        let _ = sched_yield();
        board.yields.fetch_add(1, Ordering::Relaxed);
    };
    with_partner(
        [processor; 2],
        |board| {
            while board.stop.load(Ordering::Relaxed) == 0 {
                yields(board);
            }
        },
        |board| {
            pace::slices(time, Pace::now, || {
                let before = board.yields.load(Ordering::Relaxed);
                let (_, time) = counted(SLICE.min(time), 16, || yields(board));
                Ok((board.yields.load(Ordering::Relaxed) - before, time))
            })
        },
    )
}

/// Two processors that write the same line in turn.
fn line(processors: [usize; 2], time: Duration) -> anyhow::Result<f64> {
    with_partner(
        processors,
        |board| their_turns(board, || ()),
        |board| {
            let mut turn = 0;
            Ok(repeat(time, || our_turn(board, &mut turn)))
        },
    )
}

/// Gives the turn to the other, and waits until it is back.
fn our_turn(board: &Board, turn: &mut u32) {
    board.ball.store(*turn + 1, Ordering::Release);
    *turn += 2;
    while board.ball.load(Ordering::Acquire) != *turn {
        spin_loop();
    }
}

/// Does it at each turn, until the game stops.
fn their_turns(board: &Board, mut what: impl FnMut()) {
    let mut turn = 1;
    loop {
        while board.ball.load(Ordering::Acquire) != turn {
            if board.stop.load(Ordering::Relaxed) == 1 {
                return;
            }
            spin_loop();
        }
        what();
        board.ball.store(turn + 1, Ordering::Release);
        turn += 2;
    }
}

fn with_partner<T: Serialize + DeserializeOwned>(
    processors: [usize; 2],
    theirs: impl FnOnce(&Board),
    ours: impl FnOnce(&Board) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let memory = Shared::anonymous(size_of::<Board>(), MapFlags::MAP_POPULATE)?;
    // SAFETY: it is as large as a Board, all zeros, begins at a page, and outlives its uses.
    let board = unsafe { &*memory.start().cast::<Board>() };
    let measured = || {
        pin(processors[0])?;
        let measured = ours(board);
        board.stop.store(1, Ordering::Relaxed);
        measured
    };
    partner::both(LIMIT, None, &Held::hold()?, measured, || {
        pin(processors[1])?;
        theirs(board);
        Ok(())
    })
}
