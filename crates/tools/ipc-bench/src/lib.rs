//! A ring of messages in shared memory, for one sender and one receiver, and a mailbox of one message:
//! what the rows of `ipc-bench` that make no system call are made of.
//!
//! Both are laid over memory that two processes map; they hold no pointer, only positions.

#[cfg(not(target_os = "linux"))]
compile_error!("ipc-bench measures the IPC of Linux");

mod atomics {
    //! What the ring's bookkeeping needs of the world: loom's tests put their own in its place.
    pub use std::hint::spin_loop;
    pub use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

    pub use crate::futex::{wait, wake};
}

pub mod futex;
pub mod mailbox;
pub mod memory;
pub mod ring;

#[cfg(test)]
mod loom_tests;
