//! Hostile: solves the exercise and leaves a process that is not dumpable: an observer with the same uid
//! can read neither its environment nor its files. It would gain the marks of tests that it fails.
use nix::libc;
use std::io::Read;

/// What stays.
fn extra() {
    // SAFETY: this process has one thread; the calls take numbers.
    unsafe {
        if libc::fork() == 0 {
            libc::prctl(libc::PR_SET_DUMPABLE, 0);
            libc::prctl(libc::PR_SET_NAME, c"hostile-stays".as_ptr());
            libc::setsid();
            libc::close(0);
            libc::sleep(40);
            libc::_exit(0);
        }
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
