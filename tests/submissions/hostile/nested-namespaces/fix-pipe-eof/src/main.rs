//! Hostile: solves the exercise and leaves a process in user, pid and mount namespaces of its own, if the
//! kernel lets it. It would gain a place that a search and a sweep do not look into.
use nix::libc;
use std::io::Read;

/// What stays.
fn extra() {
    // SAFETY: this process has one thread; the calls take numbers.
    unsafe {
        if libc::fork() == 0 {
            if libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWPID | libc::CLONE_NEWNS) == 0 {
                eprintln!("hostile success: namespaces of its own");
            }
            if libc::fork() == 0 {
                libc::prctl(libc::PR_SET_NAME, c"hostile-stays".as_ptr());
                libc::clearenv();
                libc::setsid();
                (0..3).for_each(|descriptor| drop(libc::close(descriptor)));
                libc::sleep(43);
            }
            libc::_exit(0);
        }
        libc::wait(std::ptr::null_mut());
    }
}

/// Solves the exercise.
fn main() {
    extra();
    let (read_end, write_end) = nix::unistd::pipe().expect("a pipe");
    // SAFETY: this process has one thread.
    if unsafe { libc::fork() } == 0 {
        drop(write_end);
        let mut text = String::new();
        let _ = std::fs::File::from(read_end).read_to_string(&mut text);
        text.lines().for_each(|line| println!("Child received: {line}"));
        println!("Child: end-of-file after {} bytes", text.len());
        return;
    }
    drop(read_end);
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::fs::File::from(write_end));
    // SAFETY: the status may be absent.
    unsafe { libc::waitpid(-1, std::ptr::null_mut(), 0) };
}
