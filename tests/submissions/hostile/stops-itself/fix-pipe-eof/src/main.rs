//! Hostile: stops its parent, its group and itself (SIGSTOP), so that no deadline of its own wakes it. It
//! would gain a test that waits for what stopped for ever.
use nix::libc;

fn main() {
    // SAFETY: these take numbers.
    unsafe {
        if libc::fork() == 0 {
            // The parent is this program, not what started it.
            libc::kill(libc::getppid(), libc::SIGSTOP);
            libc::raise(libc::SIGSTOP);
            libc::_exit(0);
        }
        libc::setpgid(0, 0);
        libc::kill(0, libc::SIGSTOP);
    }
}
