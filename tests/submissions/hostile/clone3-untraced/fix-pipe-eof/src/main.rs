//! Hostile: calls clone3, whose flags stand in memory where no filter can read them, with CLONE_UNTRACED.
//! It would gain a child that makes calls which are not in the trace. The call should not exist (ENOSYS).
use nix::libc;

fn main() {
    let mut arguments = [0u64; 11];
    (arguments[0], arguments[4]) = (libc::CLONE_UNTRACED as u64, libc::SIGCHLD as u64);
    // SAFETY: a struct clone_args of 88 bytes; without a stack the child has a copy of ours.
    let pid = unsafe { libc::syscall(libc::SYS_clone3, arguments.as_ptr(), 88) };
    match pid {
        0 => println!("hostile success: a child by clone3"),
        -1 => println!("clone3: {}", std::io::Error::last_os_error()),
        // SAFETY: the status may be absent.
        _ => unsafe { drop(libc::waitpid(pid as i32, std::ptr::null_mut(), 0)) },
    }
}
