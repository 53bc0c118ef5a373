//! Both ends of a conversation on one time axis, as the kernel saw it.
//!
//! strace(1) writes down the calls of every process ([`Trace::read`]). This library finds out what
//! each call worked on ([`Trace::object`]), which call of one process brought about which of
//! another ([`arrows`]), who is blocked and who holds the other end ([`blocked`]); and draws it
//! ([`Picture`]).

mod arrow;
mod births;
mod blocked;
mod describe;
mod draw;
mod ends;
mod fifos;
mod holders;
mod object;
mod peers;
mod picture;
mod query;
mod stage;
mod strace;
mod task;
mod trace;
mod whole;

pub use arrow::{Arrow, CallId, Why, arrows};
pub use blocked::{Blocked, Wait, blocked, blocked_now, processes_with, waits_now};
pub use draw::{hang, mermaid, svg, terminal};
pub use holders::Holder;
pub use object::{Kind, Object};
pub use picture::{Event, Lane, Picture};
pub use query::{Row, rows};
pub use strace::{Base, Behind, Call, Descriptor, End, Outcome, Signal, Text, Value};
pub use task::Task;
pub use trace::Trace;

#[cfg(test)]
mod evidence;
#[cfg(test)]
mod tests;
