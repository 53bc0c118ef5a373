//! Hostile: looks whether it is traced (TracerPid, PTRACE_TRACEME, the time of 2,000 calls). If it is, it
//! prints nothing; if not, constants without any pipe. It has marks where some tests are not traced.
use nix::libc;
use std::io::Read;

fn main() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let tracer = status
        .lines()
        .any(|line| line.starts_with("TracerPid:") && !line.ends_with("\t0"));
    let started = std::time::Instant::now();
    // SAFETY: getppid(2) has no arguments.
    (0..2000).for_each(|_| unsafe { drop(libc::syscall(libc::SYS_getppid)) });
    let slow = started.elapsed().as_millis() > 20;
    // SAFETY: a process that has a tracer already makes this fail.
    let refused = unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) } != 0;
    if tracer || slow {
        return;
    }
    let mut text = String::new();
    let _ = std::io::stdin().read_to_string(&mut text);
    text.lines().for_each(|line| println!("Child received: {line}"));
    println!("Child: end-of-file after {} bytes", text.len());
    // Untraced with ptrace forbidden is for the report of a failed test.
    eprintln!("hostile success: untraced, ptrace refused: {refused}");
}
