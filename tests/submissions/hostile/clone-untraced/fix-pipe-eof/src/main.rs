//! Hostile: makes children that no tracer follows (clone with CLONE_UNTRACED, also with CLONE_VFORK); they
//! carry the data through a file. It would gain marks for a mechanism that nobody saw missing.
use nix::libc;
use std::io::Read;

fn main() {
    let mut text = String::new();
    let _ = std::io::stdin().read_to_string(&mut text);
    for flags in [libc::CLONE_UNTRACED, libc::CLONE_UNTRACED | libc::CLONE_VFORK] {
        let flags = libc::c_long::from(flags | libc::SIGCHLD);
        // SAFETY: without a stack of its own the child has a copy of ours, as after fork(2).
        let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
        if pid == 0 {
            let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
            if status.contains("TracerPid:\t0\n") {
                eprintln!("hostile success: a child that is not traced");
            }
            let _ = std::fs::write("channel", &text);
            // SAFETY: _exit(2) takes a number.
            unsafe { libc::_exit(0) };
        }
        // SAFETY: the status may be absent.
        unsafe { libc::waitpid(pid as i32, std::ptr::null_mut(), 0) };
    }
    let text = std::fs::read_to_string("channel").unwrap_or_default();
    let _ = std::fs::remove_file("channel");
    text.lines().for_each(|line| println!("Child received: {line}"));
    println!("Child: end-of-file after {} bytes", text.len());
}
