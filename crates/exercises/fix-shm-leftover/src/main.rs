//! Keeps a board in shared memory: each line of standard input goes there and can be read by
//! others as long as this program runs. Whatever a killed run leaves spoils the next: see README.md.
//!
//! One program, no partner: cargo run -q -p fix-shm-leftover

use std::io::stdin;
use std::path::Path;
use std::ptr;
use std::slice;
use std::sync::atomic::AtomicU8;

use anyhow::Context;
use fix_shm_leftover::{Board, SIZE};
use lesson::{Failure, say};
use sysv_shm::PROJECT;

fn main() -> Result<(), Failure> {
    let key = lesson::ftok(Path::new("."), PROJECT)?;
    let board = Board(attach(key));
    board.mark();

    for line in stdin().lines() {
        board.append(&line.context("read stdin")?)?;
        let lines = board.lines();
        let last = lines.last().context("the board is empty")?;
        say!("Line {}: {}", lines.len(), last.trim_end());
    }
    // TODO: the segment is still there; also after Ctrl-C.
    Ok(())
}

/// The segment, made if there is none.
fn attach(key: libc::key_t) -> &'static [AtomicU8] {
    // TODO: was it made just now? Who made it otherwise? And if one of these calls fails?
    // SAFETY: nobody has checked that, and so this may be no memory at all.
    unsafe {
        let id = libc::shmget(key, SIZE, libc::IPC_CREAT | 0o600);
        let address = libc::shmat(id, ptr::null(), 0);
        slice::from_raw_parts(address.cast(), SIZE)
    }
}
