//! What proc(5) says of processes and of the IPC objects that outlive them.
//!
//! Everything here looks and changes nothing. What a process has named (its command, its objects)
//! is data: [`printable`] shows it so that it can neither begin a new line nor move a cursor.

mod objects;
mod processes;
mod text;

pub use objects::{Kind, SystemV, names_in, system_v};
pub use processes::{Namespace, Process, command_line, processes};
pub use text::printable;
