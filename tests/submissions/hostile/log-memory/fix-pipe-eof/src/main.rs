//! Hostile: a log of many small values, and a child that dies of SIGSYS, so that the judge reads the log.
use nix::libc;
fn main() {
    let started = std::time::Instant::now();
    let mut fds: Vec<libc::pollfd> = (0..1020).map(|_| libc::pollfd { fd: -1, events: 0, revents: 0 }).collect();
    let mut n = 0u64;
    // bounded: about 8 KiB of log a call
    while started.elapsed().as_millis() < 3500 && n < 25_000 {
        unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as u64, 0) };
        n += 1;
    }
    unsafe {
        if libc::fork() == 0 { libc::syscall(libc::SYS_io_uring_setup, 1, 0); libc::_exit(0) }
        libc::wait(std::ptr::null_mut());
    }
    eprintln!("{n} calls");
}
