//! Hostile: solves the exercise and leaves a daemon: forked twice, in a session of its own, executed with an
//! empty environment. It would gain the marks of tests that it fails, and it would outlive its box.
use nix::libc;
use std::io::Read;
use std::os::unix::process::CommandExt;

/// What stays.
fn extra() {
    let mut shell = std::process::Command::new("/usr/bin/setsid");
    shell
        .args(["--fork", "/bin/sleep", "41"])
        .arg0("hostile-stays")
        .env_clear();
    shell
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null());
    let _ = shell.stderr(std::process::Stdio::null()).status();
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
