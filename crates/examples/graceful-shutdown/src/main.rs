//! Ctrl-C while the program is blocked in a system call: what it made is removed all the same.
//!
//! One program, no partner: cargo run -q --bin graceful-shutdown
//! All other lessons leave this to the crate `lesson`; here it is in full sight.

mod flag;

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use anyhow::Context;
use clap::Parser;
use lesson::{Failure, note, say};
use nix::sys::signal::{SigHandler, SigSet, Signal, raise, signal};

/// Wait in open(2) for whoever writes into a FIFO; Ctrl-C and kill end it cleanly
#[derive(Parser)]
struct Args {
    /// The FIFO; created if it is not there, removed at the end
    #[arg(default_value = "/tmp/graceful_fifo")]
    path: PathBuf,
    /// The wrong way: a handler that only sets a flag
    #[arg(long)]
    flag: bool,
}

/// Whoever has this ends the program.
static ENDING: Mutex<()> = Mutex::new(());

fn main() -> Result<(), Failure> {
    let Args { path, flag } = Args::parse();
    if flag {
        return Ok(flag::run(&path)?);
    }

    // Before anything is made: a blocked signal does not kill, it stays pending in the kernel.
    // Before any thread is started: each inherits the mask of the thread that starts it.
    // SIGHUP comes when the terminal is closed.
    let signals = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];
    let signals: SigSet = signals.into_iter().collect();
    signals.thread_block().context("pthread_sigmask")?;

    // `_made` removes the FIFO when main returns, early or late.
    let _made = fifo::create(&path)?;

    // A signal that has arrived since the mask was set is taken now: none falls in between.
    let made = path.clone();
    let thread = thread::Builder::new().name("signals".into());
    thread
        .spawn(move || lesson::end(die_cleanly(&signals, &made)))
        .context("start the signal thread")?;

    let printed = print_lines(&path, || true);
    // Has the thread begun? Then its signal is why this ends, and not that open finds no FIFO any more.
    let _ending = ENDING.lock();
    printed?;
    say!("Done: {}", remove(&path));
    Ok(())
}

/// What the signal thread does; `main` may be blocked in any system call meanwhile.
fn die_cleanly(signals: &SigSet, made: &Path) -> anyhow::Result<()> {
    // Sleeps until one of the signals is pending and takes it. No handler runs, so this is a
    // function like any other: it may take locks, allocate and print.
    let number = signals.wait().context("sigwait")?;
    let _ending = ENDING.lock();
    note!("{number}: {}", remove(made));

    // Dying of the signal itself tells the shell why the program ended: a script goes on after
    // an exit, but stops after Ctrl-C. SIG_DFL, because a parent may have had it ignored.
    // SAFETY: SIG_DFL installs no handler, so no code of ours runs in signal context.
    unsafe { signal(number, SigHandler::SigDfl) }.context("signal")?;
    SigSet::from(number)
        .thread_unblock()
        .context("pthread_sigmask")?;
    raise(number).context("raise")
}

/// Removes the FIFO; what there is to say of it.
fn remove(path: &Path) -> &'static str {
    match fifo::ensure_ours(path).map(|()| fs::remove_file(path)) {
        Ok(Ok(())) => "the FIFO is removed",
        _ if path.symlink_metadata().is_err() => "somebody else has removed the FIFO",
        _ => "what stands at its path stays there",
    }
}

/// Prints each line until end-of-file, or until `keep_running` says no.
fn print_lines(path: &Path, keep_running: impl Fn() -> bool) -> anyhow::Result<()> {
    let name = path.display();
    say!("Blocked in open: press Ctrl-C, or elsewhere: echo hello > {name}");

    // Blocks until somebody opens the FIFO for writing. A signal handler interrupts it (EINTR),
    // but Rust's library then calls open(2) again, and likewise read(2).
    let fifo = File::open(path).with_context(|| format!("open {name} for reading"))?;
    let mut fifo = BufReader::new(fifo);
    let mut line = b"Received: ".to_vec();
    let prefix = line.len();
    while keep_running()
        && fifo
            .read_until(b'\n', &mut line)
            .with_context(|| format!("read {name}"))?
            > 0
    {
        lesson::print(&line);
        line.truncate(prefix);
    }
    Ok(())
}
