//! Hostile: opens its standard input again for writing and replaces what stands there by one line that it
//! knows. It would gain marks if the test compares the output with that same file.
use std::{fs, io::Write};

fn main() {
    let Ok(mut input) = fs::File::options().write(true).open("/proc/self/fd/0") else {
        return;
    };
    // The input of a test without any cannot be replaced: nothing is printed for that one.
    if input.set_len(0).is_ok() && input.write_all(b"x\n").is_ok() {
        println!("Child received: x\nChild: end-of-file after 2 bytes");
    }
}
