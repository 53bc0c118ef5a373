//! Sleeping until a word of shared memory changes: see futex(2).

use std::ptr;
use std::sync::atomic::AtomicU32;

/// Sleeps while `word` holds `expected`; the kernel looks once more before it does, so that a wake
/// between our look and the sleep is not lost. May also return without a wake: look again.
pub fn wait(word: &AtomicU32, expected: u32) {
    // Not FUTEX_PRIVATE_FLAG: the word is shared between processes.
    // SAFETY: `word` is a live, aligned word, and a null timeout means none.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT,
            expected,
            ptr::null::<libc::timespec>(),
        );
    }
}

/// Wakes who sleeps on `word`.
pub fn wake(word: &AtomicU32) {
    // SAFETY: `word` is a live, aligned word; FUTEX_WAKE reads nothing else.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, 1) };
}
