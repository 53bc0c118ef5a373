//! Output that ends quietly when nobody reads it: Rust's `println!` panics instead.

use std::io::{self, ErrorKind, Write};

use nix::sys::signal::Signal;

/// Prints a line on standard output; takes what `println!` takes.
#[macro_export]
macro_rules! say {
    ($($text:tt)*) => {
        $crate::print(format!("{}\n", format_args!($($text)*)).as_bytes())
    };
}

/// Prints a line on standard error: what is not part of the lesson's output.
#[macro_export]
macro_rules! note {
    ($($text:tt)*) => {
        // If nobody reads that either, there is nobody left to tell.
        drop(std::io::Write::write_all(
            &mut std::io::stderr(),
            format!("{}\n", format_args!($($text)*)).as_bytes(),
        ))
    };
}

/// Writes to standard output at once, in one write(2) where the text ends in a newline.
///
/// Into a pipe that nobody reads the program dies of SIGPIPE, as a C program does, after
/// removing what it made. Any other failure (a full disk) ends it with status 1.
pub fn print(text: &[u8]) {
    let mut stdout = io::stdout().lock();
    let Err(error) = stdout.write_all(text).and_then(|()| stdout.flush()) else {
        return;
    };
    crate::clean_up();
    if error.kind() == ErrorKind::BrokenPipe {
        crate::die_of(Signal::SIGPIPE);
    }
    crate::note!("Error: write to standard output: {error}");
    std::process::exit(1);
}
