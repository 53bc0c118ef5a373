//! Plumbing: what many lessons need and no lesson teaches.
//!
//! - [`create`] creates an object that outlives the process, and returns a guard that removes it.
//! - [`clean_up_on_signal`] removes all such objects on Ctrl-C; the lesson `graceful-shutdown`
//!   shows the system calls.
//! - [`Failure`] is the error that `main` returns: one line that names the call and the object.
//! - [`say!`] and [`note!`] print, and end quietly when no process reads the output.
//! - [`ftok`] returns the key under which both programs of a System V lesson find their object.
//! - [`no_arguments!`] answers `--help` in a program without arguments.
//! - [`poll_until`] polls with a deadline, where the kernel has no event to wait for.

#[cfg(not(target_os = "linux"))]
compile_error!(
    "ipc-lab teaches the IPC of Linux: build it on Linux, in WSL2, in a virtual machine or in a container"
);

mod arguments;
mod failure;
mod ftok;
mod guard;
mod output;
mod poll;
mod signals;

pub use arguments::{no_arguments_of, parse_address, parse_server};
pub use failure::{Failure, PRIVILEGED_PORT, exit_child, start_first, with_argument};
pub use ftok::ftok;
pub use guard::{Guard, Making, clean_up, create, create_id, making};
pub use output::print;
pub use poll::poll_until;
pub use signals::{
    clean_up_on_signal, die_of_signal, exit_on_signal, in_child, is_ignored, on_signal,
    termination_signals,
};

// Former names: solutions of exercises use them.
pub use exit_child as end;
pub use guard::Guard as Made;
pub use signals::{die_of_signal as die_of, in_child as forked, is_ignored as ignored};
