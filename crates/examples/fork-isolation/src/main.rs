//! After fork(2) each process has its own copy of every variable: what the child changes,
//! the parent never sees.
//!
//! One program, no partner: cargo run -q --bin fork-isolation

use anyhow::Context;
use fork_isolation::reap;
use lesson::{Failure, say};
use nix::unistd::{ForkResult, fork};

fn main() -> Result<(), Failure> {
    lesson::no_arguments!();
    let mut value = 100;

    // SAFETY: this process has one thread, so the child can hold no lock of a thread it lacks.
    match unsafe { fork() }.context("fork")? {
        ForkResult::Child => {
            // The assignment gives the child its own copy of this page ("copy on write").
            value = 200;
            say!("Child: value = {value}");
            // Never falls through into the parent's code below.
            lesson::end(Ok(()))
        }
        ForkResult::Parent { child } => {
            // Not a sleep: returns when the child has ended.
            reap(child)?;
            say!("Parent: value = {value}");
            Ok(())
        }
    }
}
