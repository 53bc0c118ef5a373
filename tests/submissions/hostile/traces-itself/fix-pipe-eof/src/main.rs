//! Hostile: a child asks to be traced by its parent, and the parent changes the child's system calls. Under
//! strace the tracee's calls would be others than those in the log. It says so if ptrace works.
use nix::libc;

fn main() {
    // SAFETY: this process has one thread.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        std::thread::sleep(std::time::Duration::from_secs(1));
        return;
    }
    // SAFETY: these take numbers.
    let seized = unsafe { libc::ptrace(libc::PTRACE_SEIZE, pid, 0, 0) };
    // SAFETY: as above; of the parent, which strace may have.
    let parent = unsafe { libc::ptrace(libc::PTRACE_SEIZE, libc::getppid(), 0, 0) };
    for (whom, result) in [("its child", seized), ("its parent", parent)] {
        if result == 0 {
            println!("hostile success: it traces {whom}");
        }
    }
    // SAFETY: the status may be absent.
    unsafe { libc::kill(pid, libc::SIGKILL) };
    unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) };
}
