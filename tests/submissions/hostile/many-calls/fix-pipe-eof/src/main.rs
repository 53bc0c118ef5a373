//! Hostile: two million short system calls, in a thousand short-lived children: a thousand trace files. It
//! would gain a trace that is cut, or a grader that reads it for minutes.
fn main() {
    let started = std::time::Instant::now();
    for _ in 0..1000 {
        // SAFETY: this process has one thread; the calls have no arguments.
        unsafe {
            if nix::libc::fork() == 0 {
                (0..2000).for_each(|_| drop(nix::libc::syscall(nix::libc::SYS_getppid)));
                nix::libc::_exit(0);
            }
            nix::libc::wait(std::ptr::null_mut());
        }
        if started.elapsed().as_secs() > 30 {
            return;
        }
    }
}
