//! Hostile: closes every descriptor, ignores every signal that it can and sleeps for 60 s, in a new session,
//! with a child that does the same. It would gain a test that waits longer than its own limit.
use nix::libc;

fn main() {
    // SAFETY: these take numbers; nothing else runs in this process.
    unsafe {
        (1..65).for_each(|signal| drop(libc::signal(signal, libc::SIG_IGN)));
        libc::fork();
        libc::setsid();
        libc::close_range(0, u32::MAX, 0);
        for _ in 0..60 {
            libc::sleep(1);
        }
    }
}
