//! Hostile: ignores SIGXFSZ and writes on past the limit of a file, in six files and on standard output. It
//! would gain files without limit, or a grader that takes the signal for its own failure.
use nix::libc;
use std::{fs, io::Write};

fn main() {
    // SAFETY: to ignore a signal needs no handler.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    let text = vec![b'x'; 1 << 20];
    for number in 0..6 {
        let Ok(mut file) = fs::File::create(format!("large-{number}")) else {
            return;
        };
        let written = (0..30).take_while(|_| file.write_all(&text).is_ok()).count();
        // Sparse: 1 TiB, if it may.
        let sparse = file.set_len(1 << 40).is_ok();
        println!("{written} MiB, and sparse {sparse}");
    }
    // SAFETY: the default action again, and a signal for itself.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_DFL);
        libc::raise(libc::SIGXFSZ);
    }
}
