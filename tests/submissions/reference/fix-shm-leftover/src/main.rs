//! Keeps a board in shared memory: each line of standard input goes there and can be read by
//! others as long as this program runs.
//!
//! One program, no partner: cargo run -q -p fix-shm-leftover

use std::io::stdin;
use std::path::Path;

use anyhow::{Context, ensure};
use fix_shm_leftover::{Board, SIZE};
use lesson::{Failure, say};
use sysv_shm::{Attached, PROJECT, Segment};

fn main() -> Result<(), Failure> {
    lesson::clean_up_on_signal()?;
    let key = lesson::ftok(Path::new("."), PROJECT)?;

    let making = lesson::making();
    let (segment, leftover) = match Segment::create(key, SIZE)? {
        Some(segment) => (segment, None),
        None => take_over(key).map(|(segment, memory)| (segment, Some(memory)))?,
    };
    let _made = making.remove_at_end(move || drop(segment.remove()));
    let memory = match leftover {
        Some(memory) => memory,
        None => segment.attach()?,
    };
    let board = Board(memory.bytes());
    board.clear();
    board.mark();

    for line in stdin().lines() {
        board.append(&line.context("read stdin")?)?;
        let lines = board.lines();
        let last = lines.last().context("the board is empty")?;
        say!("Line {}: {}", lines.len(), last.trim_end());
    }
    Ok(())
}

/// The segment that is there, if it is a board which nobody uses.
fn take_over(key: libc::key_t) -> anyhow::Result<(Segment, Attached)> {
    let segment =
        Segment::open(key, SIZE)?.context("the segment was removed just now: start again")?;
    let memory = segment.attach()?;
    ensure!(
        Board(memory.bytes()).is_marked(),
        "{segment} is no board: another program made it. Left as it is: remove it (ipcrm -m {}) or \
         start this in another folder",
        segment.id()
    );
    // Attached first, counted afterwards: of two that do this at once one at most is alone.
    ensure!(
        segment.users()?.attached == 1,
        "{segment}: another run uses this board: end that one, or start this in another folder"
    );
    Ok((segment, memory))
}
