//! A text in shared memory that another process may be reading: NUL-terminated, as in C.
//!
//! One writer, who writes once: a reader may meet a second text half-way, and two writers mix theirs. What
//! keeps them apart is the lesson `sysv-sem`.

use std::sync::atomic::{AtomicU8, Ordering};

/// Writes `text` into memory that is empty, so that a reader sees all of it or nothing: the first byte
/// comes last.
pub fn publish(memory: &[AtomicU8], text: &str) {
    let (first, rest) = (&memory[0], &memory[1..]);
    // Empty it is from here on, whatever stood there before.
    first.store(0, Ordering::Release);
    let bytes = text.as_bytes();
    let tail = bytes.iter().skip(1).chain([&0]);
    for (place, byte) in rest.iter().zip(tail) {
        place.store(*byte, Ordering::Relaxed);
    }
    // Release: who sees this byte (with Acquire) sees all that was written before it.
    first.store(bytes.first().copied().unwrap_or(0), Ordering::Release);
}

/// The text once there is one: up to the NUL, or to the end of the memory.
pub fn published(memory: &[AtomicU8]) -> Option<String> {
    let first = match memory[0].load(Ordering::Acquire) {
        0 => return None,
        first => first,
    };
    let rest = memory[1..].iter().map(|byte| byte.load(Ordering::Relaxed));
    let bytes = std::iter::once(first).chain(rest);
    let text: Vec<u8> = bytes.take_while(|byte| *byte != 0).collect();
    Some(String::from_utf8_lossy(&text).into_owned())
}
