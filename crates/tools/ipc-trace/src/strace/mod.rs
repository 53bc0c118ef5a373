//! The notation of strace(1), as `strace -ff -ttt -T -yy` of version 6.1 writes it.
//!
//! [`lexer`] splits a line into tokens, [`parser`] builds each [`value`] of them, [`line`](mod@line) says
//! what one line tells, and [`record`] puts the lines of a log together. No part of it knows IPC.
//!
//! A string can hold any bytes, and so can a path. strace escapes both, and the lexer reads each of
//! them as one token: no byte of them is ever taken for a bracket, a result or the end of a line.

mod lexer;
mod line;
mod parser;
mod record;
mod value;

#[cfg(test)]
mod tests;

pub use record::{Call, End, Outcome, Signal};
pub(crate) use record::{Record, read};
pub use value::{Base, Behind, Descriptor, Text, Value};
