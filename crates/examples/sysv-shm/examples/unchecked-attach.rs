//! For TROUBLESHOOTING.md and its test: wrong on purpose. The tutorial's reader without its checks,
//! which uses what shmget and shmat return whatever that is.

use std::ptr;

use lesson::{Failure, say};
use sysv_shm::{PROJECT, SIZE};

fn main() -> Result<(), Failure> {
    let key = lesson::ftok(".".as_ref(), PROJECT)?;
    // SAFETY: shmget takes no pointer.
    let segment = unsafe { libc::shmget(key, SIZE, 0) };
    // SAFETY: with a null address the kernel chooses a place where nothing is mapped.
    let address = unsafe { libc::shmat(segment, ptr::null(), 0) };
    // SAFETY: sound only if shmat has succeeded, which nobody has asked: the mistake to see. The
    // address of a failure is -1, where no process has memory, so it is always SIGSEGV.
    let first = unsafe { address.cast::<u8>().read_volatile() };
    say!("The first byte is {first}");
    Ok(())
}
