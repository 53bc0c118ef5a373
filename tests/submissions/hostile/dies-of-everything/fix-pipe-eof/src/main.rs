//! Hostile: ends with statuses that a grader could take for its own: 124, 125, 126, 127, 129 to 159, and by
//! signals, another one each time. It would gain "the grader failed" in place of a zero.
use nix::libc;

fn main() {
    println!("1..1\nok 1");
    let number = std::process::id() as i32;
    // SAFETY: these take numbers.
    match number % 4 {
        0 => std::process::exit(124 + number % 36),
        1 => unsafe { drop(libc::raise(libc::SIGSYS)) },
        2 => unsafe { drop(libc::raise(libc::SIGKILL)) },
        _ => unsafe { drop(libc::raise(libc::SIGSEGV)) },
    }
}
