//! Plumbing: what every lesson does and no lesson is about.
//!
//! - [`say!`] and [`note!`] print, and end quietly when nobody reads.
//! - [`Failure`] is what `main` returns: one line that names the call and the object.
//! - [`clean_up_on_signal`] and [`making`] remove what a program made, also on Ctrl-C;
//!   the lesson `graceful-shutdown` shows the calls underneath.
//! - [`ftok`] gives the key under which both ends of a System V lesson find their object.
//! - [`no_arguments!`] answers `--help` where there is nothing to say to a program.
//! - [`poll_until`] waits with a deadline where the kernel has no event to wait for.

#[cfg(not(target_os = "linux"))]
compile_error!(
    "ipc-lab teaches the IPC of Linux: build it on Linux, in WSL2, in a virtual machine or in a container"
);

mod arguments;
mod deadline;
mod failure;
mod ftok;
mod output;
mod signals;

pub use arguments::{no_arguments_of, parse_address, parse_server};
pub use deadline::poll_until;
pub use failure::{Failure, PRIVILEGED_PORT, end, start_first, with_argument, with_option};
pub use ftok::ftok;
pub use output::print;
pub use signals::*;
