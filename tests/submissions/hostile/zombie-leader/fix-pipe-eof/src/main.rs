//! A correct solution beside which a daemon stays: its first thread has ended (state Z), another one runs on.
use std::fs::File;
use std::io::{self, BufRead, BufReader, stdin};
use anyhow::Context;
use fork_isolation::reap;
use lesson::{Failure, say};
use nix::unistd::{ForkResult, fork, pipe};
use nix::libc;

fn daemon() {
    // SAFETY: one thread.
    if unsafe { libc::fork() } != 0 { return; }
    unsafe { libc::setsid(); }
    if unsafe { libc::fork() } != 0 { unsafe { libc::_exit(0) } }
    for fd in 0..3 { unsafe { libc::close(fd); } }
    std::thread::spawn(|| {
        let started = std::time::Instant::now();
        while started.elapsed().as_secs() < 50 { std::thread::sleep(std::time::Duration::from_millis(500)); }
        unsafe { libc::_exit(0) }
    });
    unsafe { libc::syscall(libc::SYS_exit, 0); }
}

fn main() -> Result<(), Failure> {
    daemon();
    unsafe { libc::wait(std::ptr::null_mut()) };
    let (read_end, write_end) = pipe().context("pipe")?;
    match unsafe { fork() }.context("fork")? {
        ForkResult::Child => { drop(write_end); lesson::end(receive(File::from(read_end))) }
        ForkResult::Parent { child } => {
            drop(read_end);
            let mut writer = File::from(write_end);
            io::copy(&mut stdin().lock(), &mut writer).context("write into the pipe")?;
            drop(writer);
            reap(child)?;
            Ok(())
        }
    }
}
fn receive(reader: File) -> anyhow::Result<()> {
    let mut reader = BufReader::new(reader);
    let mut line = String::new();
    let mut total = 0;
    loop {
        line.clear();
        let length = reader.read_line(&mut line).context("read the pipe")?;
        if length == 0 { break; }
        total += length;
        say!("Child received: {}", line.trim_end());
    }
    say!("Child: end-of-file after {total} bytes");
    Ok(())
}
