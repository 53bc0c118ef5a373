//! Hostile: a daemon that survives its parent, in a session of its own, with standard output open.
use nix::unistd::{ForkResult, fork, setsid};

fn main() {
    // SAFETY: this process has one thread.
    if let Ok(ForkResult::Child) = unsafe { fork() } {
        let _ = setsid();
        // SAFETY: as above.
        if let Ok(ForkResult::Child) = unsafe { fork() } {
            loop {
                std::thread::sleep(std::time::Duration::from_secs(1000));
            }
        }
    }
}
