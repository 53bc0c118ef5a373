//! Hostile: solves the exercise and leaves a child that has written zeros over its environment, so that
//! /proc/PID/environ shows none. It would gain the marks of tests that it fails.
use nix::libc;
use std::io::Read;

/// What stays.
fn extra() {
    // SAFETY: this process has one thread. The texts that `environ` points to are its own memory.
    unsafe {
        unsafe extern "C" {
            static mut environ: *mut *mut libc::c_char;
        }
        if libc::fork() == 0 {
            let mut at = environ;
            while !(*at).is_null() {
                libc::memset((*at).cast(), 0, libc::strlen(*at));
                at = at.add(1);
            }
            libc::prctl(libc::PR_SET_NAME, c"hostile-stays".as_ptr());
            libc::setsid();
            (0..3).for_each(|descriptor| drop(libc::close(descriptor)));
            libc::sleep(42);
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
