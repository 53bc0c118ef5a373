//! Appends each line that arrives through a FIFO to a log file, with the time.
//!
//! Its partner is logger-app, in another terminal; either may be started first.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Parser;
use lesson::{Failure, note};
use logger::{Claim, Journal, Name, make_blocking};

/// How long writers that keep the FIFO open may delay the end.
const PATIENCE: Duration = Duration::from_secs(2);

/// Log the lines that arrive through a FIFO (partner: logger-app, started before or after)
#[derive(Parser)]
struct Args {
    /// The FIFO; created if it is not there, removed at the end
    #[arg(long, default_value = logger::FIFO_PATH)]
    fifo: PathBuf,
    /// The log file; created if it is not there, appended to
    #[arg(long, default_value = "system.log")]
    log: PathBuf,
}

fn main() -> Result<(), Failure> {
    let Args { fifo: path, log } = Args::parse();
    // A signal that comes too early waits until there is something to end.
    let (ready, service) = channel();
    lesson::on_signal(move |_| service.recv().map_or((), end))?;

    let claim = Claim::new(&path)?;
    let result = serve(&claim, &path, &log, &ready);
    // After a signal the name is gone already; after a failure it goes here.
    claim.name.remove();
    Ok(result?)
}

/// What the signal thread needs to end the service.
struct Service {
    name: Name,
    own_end: File,
    journal: Arc<Mutex<Journal>>,
}

fn serve(claim: &Claim, path: &Path, log: &Path, ready: &Sender<Service>) -> anyhow::Result<()> {
    let shown = path.display();
    let journal = Arc::new(Mutex::new(Journal::open(log)?));

    // Without a writer read(2) returns 0, end-of-file. The service's own write end keeps that
    // from coming however many writers come and go, so the FIFO is opened once and no line
    // falls between a close and the next open.
    let own_end = OpenOptions::new()
        .write(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW)
        .open(path)
        .with_context(|| format!("open {shown} for writing"))?;
    // O_NONBLOCK was for open(2) alone: from here on read(2) sleeps until a line comes.
    make_blocking(&claim.fifo)?;

    let service = Service {
        name: claim.name.clone(),
        own_end,
        journal: Arc::clone(&journal),
    };
    (ready.send(service)).map_err(|_| anyhow!("the signal thread has ended"))?;
    let log = log.display();
    note!("logger-service: reading {shown}, appending to {log} (Ctrl-C ends it)");

    let mut fifo: &File = &claim.fifo;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = fifo
            .read(&mut buffer)
            .with_context(|| format!("read {shown}"))?;
        let mut journal = lock(&journal);
        if length == 0 {
            return journal.finish();
        }
        journal.take(&buffer[..length])?;
    }
}

/// Runs in the signal thread, while `serve` goes on reading.
fn end(service: Service) {
    // No name: applications that come now wait for the next service. Those that have the FIFO
    // open may finish; when the last has closed it, `serve` sees end-of-file and `main` returns.
    service.name.remove();
    drop(service.own_end);

    // That ends the process in the middle of this sleep, unless a writer never closes.
    sleep(PATIENCE);
    let mut journal = lock(&service.journal);
    let seconds = PATIENCE.as_secs();
    note!("logger-service: a writer still has the FIFO open after {seconds} s: ended without it");
    lesson::end(journal.finish())
}

/// While it is held nobody else is in the middle of a line.
fn lock(journal: &Mutex<Journal>) -> MutexGuard<'_, Journal> {
    journal.lock().unwrap_or_else(PoisonError::into_inner)
}
