//! Hostile: a daemon stops (SIGSTOP) every process that comes into its box, and the one that keeps the
//! box. An observer inside never answers, and the test waits. It would gain a grader that hangs.
use nix::libc;
use std::os::unix::process::CommandExt;
use std::{fs, process::Command, time::Instant};

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
    while started.elapsed().as_secs() < 50 {
        let entries: Vec<_> = fs::read_dir("/proc").into_iter().flatten().flatten().collect();
        let pids = entries
            .iter()
            .filter_map(|entry| entry.file_name().to_string_lossy().parse::<i32>().ok());
        let pids: Vec<i32> = pids.filter(|pid| *pid as u32 != std::process::id()).collect();
        // SAFETY: getuid(2) has no arguments.
        let uid = unsafe { libc::getuid() };
        // Outside every box this would stop a session: then nothing is done.
        if pids.len() < 40 || (61_000..65_000).contains(&uid) {
            for pid in pids {
                // SAFETY: kill(2) takes two numbers.
                unsafe { libc::kill(pid, libc::SIGSTOP) };
            }
        }
    }
}
