//! One clear error: the call, the object, the reason, and what to do next.

use std::fmt;
use std::io;

use nix::errno::Errno;

/// The error that `main` returns.
///
/// It is made from an [`anyhow::Error`] alone, so that a bare `?` on a system call does not
/// compile: `open(…)?` must become `open(…).context("open /tmp/x")?`.
pub struct Failure(anyhow::Error);

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self(error)
    }
}

/// Rust prints the `Debug` form of the error that `main` returns.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |cause: &(dyn std::error::Error + 'static)| match errno(cause) {
            Some(errno) => errno.to_string(),
            None => cause.to_string(),
        };
        f.write_str(&self.0.chain().map(shown).collect::<Vec<_>>().join(": "))?;
        match errno(self.0.root_cause()).and_then(remedy) {
            Some(remedy) => write!(f, "\n{remedy}"),
            None => Ok(()),
        }
    }
}

/// The error number inside `cause`, whichever library wrapped it.
fn errno(cause: &(dyn std::error::Error + 'static)) -> Option<Errno> {
    let from_std = || cause.downcast_ref::<io::Error>()?.raw_os_error();
    (cause.downcast_ref::<Errno>().copied()).or_else(|| from_std().map(Errno::from_raw))
}

/// What usually helps against an error: see errno(3).
fn remedy(errno: Errno) -> Option<&'static str> {
    Some(match errno {
        Errno::ENOENT => "Check the path: the last name, or a directory before it, does not exist.",
        Errno::ENOTDIR => "Check the path: a part of it is not a directory.",
        Errno::EACCES | Errno::EPERM => {
            "Another user owns it, or its mode forbids this (`ls -l` shows both): use a path of your own."
        }
        Errno::EADDRNOTAVAIL => {
            "`ip address` lists the addresses of this machine: use one of them."
        }
        Errno::ENOSPC => "A disk or a kernel limit is full: see `df` and `ipcs -l`.",
        _ => return None,
    })
}

/// What helps against EACCES of bind(2): see ip(7).
pub const PRIVILEGED_PORT: &str = "only root may use a port below 1024: use one above";

/// The error of a program that needs a running partner: `missing`, and the command that starts
/// `partner`. The partner may have arguments (see [`with_argument`]). The program of an exercise
/// is written with its package, as in `chat/chat-server`.
pub fn start_first(missing: impl fmt::Display, partner: &str) -> anyhow::Error {
    let (program, arguments) = partner.split_at(partner.find(' ').unwrap_or(partner.len()));
    let (package, program) = match program.split_once('/') {
        Some((package, program)) => (format!("-p {package} "), program),
        None => (String::new(), program),
    };
    anyhow::anyhow!(
        "{missing}: start {program} first (in another terminal: cargo run -q {package}--bin {program}{arguments})"
    )
}

/// `program`, and behind it the argument that this program was given, quoted for a shell, unless it
/// is the default of both programs.
pub fn with_argument(program: &str, argument: impl fmt::Display, default: &str) -> String {
    let argument = argument.to_string();
    if argument == default {
        return program.into();
    }
    // The first `--` is for cargo, the second for the program.
    let dashes = if argument.starts_with('-') {
        "-- -- "
    } else {
        ""
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-:@+,".contains(&byte);
    if !argument.is_empty() && argument.bytes().all(is_plain) {
        return format!("{program} {dashes}{argument}");
    }
    format!("{program} {dashes}'{}'", argument.replace('\'', r"'\''"))
}

/// Terminates a forked child: reports the error as `main` does, and never returns into the
/// parent's code.
pub fn exit_child(result: anyhow::Result<()>) -> ! {
    let Err(error) = result else {
        std::process::exit(0);
    };
    crate::note!("Error: {:?}", Failure(error));
    std::process::exit(1)
}
