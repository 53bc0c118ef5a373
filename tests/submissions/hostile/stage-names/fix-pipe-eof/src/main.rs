//! Hostile: solves the exercise and leaves processes that bear the names of what stands around a program:
//! nsenter, setpriv, strace, ipc-grade. It would gain the marks if a search spares such names.
use nix::libc;
use std::io::Read;
use std::os::unix::process::CommandExt;

/// What stays.
fn extra() {
    for name in ["nsenter", "setpriv", "strace", "ipc-grade", "sh", "cat", "bwrap"] {
        // A link, so that the name of the process is this one too.
        let path = format!("{}/{name}", std::env::var("HOME").unwrap_or_default());
        let _ = std::os::unix::fs::symlink("/bin/sleep", &path);
        let mut command = std::process::Command::new(&path);
        let _ = command
            .arg0(name)
            .arg("40")
            .stdin(std::process::Stdio::null())
            .process_group(0)
            .spawn();
        let _ = std::fs::remove_file(path);
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
