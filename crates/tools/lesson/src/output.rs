//! Output that ends quietly when no process reads it; Rust's `println!` panics instead.

use std::io::{self, ErrorKind, Write};

use nix::sys::signal::Signal;

/// Prints a line on standard output; takes the arguments of `println!`.
#[macro_export]
macro_rules! say {
    ($($text:tt)*) => {
        $crate::print(format!("{}\n", format_args!($($text)*)).as_bytes())
    };
}

/// Prints a line on standard error: a remark that does not belong to the lesson's output.
#[macro_export]
macro_rules! note {
    ($($text:tt)*) => {
        // If this write fails too, there is no other place for the remark.
        drop(std::io::Write::write_all(
            &mut std::io::stderr(),
            format!("{}\n", format_args!($($text)*)).as_bytes(),
        ))
    };
}

/// Writes to standard output at once, in one write(2) if the text ends in a newline.
///
/// If no process reads the pipe, this program removes its objects and dies of SIGPIPE, as a C
/// program does. Any other failure (a full disk) terminates it with status 1.
pub fn print(text: &[u8]) {
    let mut stdout = io::stdout().lock();
    let Err(error) = stdout.write_all(text).and_then(|()| stdout.flush()) else {
        return;
    };
    crate::clean_up();
    if error.kind() == ErrorKind::BrokenPipe {
        crate::die_of_signal(Signal::SIGPIPE);
    }
    crate::note!("Error: write to standard output: {error}");
    std::process::exit(1);
}
