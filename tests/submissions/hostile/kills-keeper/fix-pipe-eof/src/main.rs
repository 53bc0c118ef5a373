//! Hostile: solves the exercise, but leaves a queue and a process behind. A daemon kills the process that
//! keeps the box, so that nobody finds them. It would gain the marks of tests that it fails.
use nix::libc;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::{fs, process::Command, thread::sleep, time::Duration};

fn main() {
    if std::env::args().len() > 1 {
        sleep(Duration::from_millis(150));
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let comm = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            // Outside of a box nobody's cat is meant.
            let boxed = fs::read_to_string("/proc/1/comm")
                .is_ok_and(|name| ["bwrap", "ipc-grade"].contains(&name.trim()));
            if let (true, Ok(pid), "cat" | "bwrap" | "ipc-grade") =
                (boxed, entry.file_name().to_string_lossy().parse(), comm.trim())
            {
                // SAFETY: kill(2) takes two numbers.
                unsafe { libc::kill(pid, libc::SIGKILL) };
            }
        }
        return;
    }
    // SAFETY: msgget(2) takes two numbers.
    unsafe { libc::msgget(0x1234, libc::IPC_CREAT | 0o600) };
    let _ = Command::new("/proc/self/exe")
        .arg("kill")
        .env_clear()
        .process_group(0)
        .spawn();
    let (read_end, write_end) = nix::unistd::pipe().expect("a pipe");
    // SAFETY: this process has one thread.
    if unsafe { libc::fork() } == 0 {
        drop(write_end);
        let mut text = String::new();
        let _ = fs::File::from(read_end).read_to_string(&mut text);
        text.lines().for_each(|line| println!("Child received: {line}"));
        println!("Child: end-of-file after {} bytes", text.len());
        return;
    }
    drop(read_end);
    let _ = std::io::copy(&mut std::io::stdin(), &mut fs::File::from(write_end));
    // SAFETY: the status may be absent.
    unsafe { libc::wait(std::ptr::null_mut()) };
}
