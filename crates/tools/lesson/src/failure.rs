//! One clear error: the call, the object, the reason, and what to do next.

use std::fmt;
use std::io;

use nix::errno::Errno;

/// What `main` returns when it fails.
///
/// It is made from errors that carry a context alone, so a bare `?` on a system call does
/// not compile: `open(…)?` must become `open(…).context("open /tmp/x")?`.
pub struct Failure(anyhow::Error);

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self(error)
    }
}

/// Rust prints the `Debug` form of the error that `main` returns.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut causes = self.0.chain().peekable();
        while let Some(cause) = causes.next() {
            match errno(cause) {
                Some(errno) => write!(f, "{errno}")?,
                None => write!(f, "{cause}")?,
            }
            f.write_str(if causes.peek().is_some() { ": " } else { "" })?;
        }
        match errno(self.0.root_cause()).and_then(remedy) {
            Some(remedy) => write!(f, "\n{remedy}"),
            None => Ok(()),
        }
    }
}

/// The error number inside, whichever library wrapped it.
fn errno(cause: &(dyn std::error::Error + 'static)) -> Option<Errno> {
    let from_std = || cause.downcast_ref::<io::Error>()?.raw_os_error();
    (cause.downcast_ref::<Errno>().copied()).or_else(|| from_std().map(Errno::from_raw))
}

/// What usually mends it: see errno(3).
fn remedy(errno: Errno) -> Option<&'static str> {
    Some(match errno {
        Errno::ENOENT => "Check the path: it, or a folder in it, is not there.",
        Errno::ENOTDIR => "A part of that path is not a folder: check it.",
        Errno::EACCES | Errno::EPERM => {
            "It belongs to another user or its mode forbids this (`ls -l` shows both): use a path of your own."
        }
        Errno::EADDRNOTAVAIL => {
            "This machine has no such address: `ip address` lists those it has."
        }
        Errno::ENOSPC => "A disk or a kernel limit is full: see `df` and `ipcs -l`.",
        _ => return None,
    })
}

/// What mends EACCES of bind(2): see ip(7).
pub const PRIVILEGED_PORT: &str = "ports below 1024 are root's: give one above";

/// "The other program is not there yet", with the command that starts it: `partner` may have arguments, see
/// [`with_argument`]. An exercise's program is named with its package, as `chat/chat-server`: cargo looks for
/// programs in the lessons alone.
pub fn start_first(missing: impl fmt::Display, partner: &str) -> anyhow::Error {
    let (program, arguments) = match partner.split_once(' ') {
        Some((program, arguments)) => (program, format!(" {arguments}")),
        None => (partner, String::new()),
    };
    let (package, program) = match program.split_once('/') {
        Some((package, program)) => (format!("-p {package} "), program),
        None => (String::new(), program),
    };
    anyhow::anyhow!(
        "{missing}: start {program} first (in another terminal: cargo run -q {package}--bin {program}{arguments})"
    )
}

/// The program, and behind it the argument that this one was given, unless it is the default of both.
pub fn with_argument(program: &str, argument: impl fmt::Display, default: &str) -> String {
    let argument = argument.to_string();
    if argument == default {
        return program.into();
    }
    // The first of them is for cargo, the second for the program.
    let dashes = if argument.starts_with('-') {
        "-- -- "
    } else {
        ""
    };
    format!("{program} {dashes}{}", quoted(&argument))
}

/// As [`with_argument`], where the argument is that of an option.
pub fn with_option(
    program: &str,
    option: &str,
    argument: impl fmt::Display,
    default: &str,
) -> String {
    let argument = argument.to_string();
    if argument == default {
        return program.into();
    }
    format!("{program} -- {option}={}", quoted(&argument))
}

/// As a shell needs it.
fn quoted(argument: &str) -> String {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "/._-:@+,".contains(it);
    match argument.replace('\'', r"'\''") {
        it if !it.is_empty() && it.chars().all(is_plain) => it,
        it => format!("'{it}'"),
    }
}

/// The end of a forked child: reports as `main` would and never returns into the parent's code.
pub fn end(result: anyhow::Result<()>) -> ! {
    let Err(error) = result else {
        std::process::exit(0);
    };
    crate::note!("Error: {:?}", Failure(error));
    std::process::exit(1)
}
