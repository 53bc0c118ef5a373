//! Sends its messages to the logger's service through a FIFO, a line each.
//!
//! Its partner is logger-service, in another terminal; either may be started first.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Parser;
use lesson::{Failure, note};
use logger::{LONGEST, cut, make_blocking};

/// Send messages to the logger (partner: logger-service, started before or after)
#[derive(Parser)]
struct Args {
    /// The service's FIFO
    #[arg(long, default_value = logger::FIFO_PATH)]
    fifo: PathBuf,
    /// How long to wait for the service
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    wait: u64,
    /// What to log; a message with newlines in it is several lines
    #[arg(default_values = ["Application started", "Processing complete"])]
    messages: Vec<OsString>,
}

fn main() -> Result<(), Failure> {
    let args = Args::parse();
    let name = args.fifo.display();
    let mut fifo = open(&args.fifo, Duration::from_secs(args.wait))?;
    // From here on a full pipe makes write(2) wait instead of fail.
    make_blocking(&fifo)?;

    let mut too_long = 0;
    for line in args
        .messages
        .iter()
        .flat_map(|message| lines(message.as_bytes()))
    {
        let mut line = line.to_vec();
        if line.len() > LONGEST {
            cut(&mut line);
            too_long += 1;
        }
        // The newline goes into the same write(2) as the text: then no other application's
        // line can come in between.
        line.push(b'\n');
        fifo.write_all(&line).map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => anyhow!("write {name}: the service has gone (EPIPE): start logger-service again, then this program"),
            _ => anyhow!(error).context(format!("write {name}")),
        })?;
    }
    if too_long > 0 {
        note!("logger-app: lines longer than {LONGEST} bytes, cut: {too_long}");
    }
    Ok(())
}

/// Opens the FIFO for writing once the service has it open for reading.
fn open(path: &Path, wait: Duration) -> anyhow::Result<File> {
    let name = &path.display();
    let mut missing = String::new();
    // The kernel has no event for "somebody makes a FIFO at this path and opens it".
    let opened = lesson::poll_until(wait, || {
        let attempt = fifo::ensure_ours(path).and_then(|()| {
            // Without O_NONBLOCK this would wait for a reader for ever; with it, ENXIO.
            OpenOptions::new()
                .write(true)
                .custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW)
                .open(path)
                .with_context(|| format!("open {name} for writing"))
        });
        match attempt {
            Ok(fifo) => Ok(Some(fifo)),
            Err(error) => {
                let what = match errno(&error) {
                    Some(libc::ENOENT) => format!("there is no {name}"),
                    Some(libc::ENXIO) => format!("nobody reads {name}"),
                    _ => return Err(error),
                };
                if missing.is_empty() && !wait.is_zero() {
                    note!("logger-app: {what} yet, waiting for logger-service");
                }
                missing = what;
                Ok(None)
            }
        }
    })?;
    opened.ok_or_else(|| {
        let service = match name.to_string() {
            path if path == logger::FIFO_PATH => "logger-service".into(),
            path => lesson::with_argument("logger-service -- --fifo", path, ""),
        };
        lesson::start_first(missing, &service)
    })
}

fn errno(error: &anyhow::Error) -> Option<i32> {
    error.downcast_ref::<std::io::Error>()?.raw_os_error()
}

/// The lines of a message; an empty message is one empty line.
fn lines(message: &[u8]) -> impl Iterator<Item = &[u8]> {
    let message = message.strip_suffix(b"\n").unwrap_or(message);
    message.split(|byte| *byte == b'\n')
}
