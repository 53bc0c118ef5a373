//! What C does with `goto cleanup`, Rust does with Drop: each step fails in turn, and nothing is
//! left. Then the ends of a program that skip Drop.
//!
//! One program, no partner: cargo run -q --bin cleanup

mod endings;
mod guards;
mod stage;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Parser;
use lesson::{Failure, say};
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;

use endings::Ending;
use guards::{Fifo, Segment, Socket};
use stage::{Limit, Stage};

/// Fail at each step in turn, end in each way in turn, and look what is left
#[derive(Parser)]
struct Args {
    /// Only make a FIFO and end like this; look yourself what is left
    #[arg(long, value_name = "HOW")]
    end: Option<Ending>,
    /// The FIFO that --end makes
    #[arg(default_value = "/tmp/cleanup_fifo", requires = "end")]
    path: PathBuf,
}

fn main() -> Result<(), Failure> {
    let Args { end, path } = Args::parse();
    if let Some(ending) = end {
        return Ok(endings::end(ending, path)?);
    }
    lesson::clean_up_on_signal()?;
    let stage = Stage::new()?;

    for obstacle in 1..=4 {
        fail(&stage, obstacle)?;
    }
    say!("Nothing is in the way:");
    acquire(&stage, || {
        say!("  there: {}", stage.look()?);
        Ok(())
    })?;
    say!("  there now: {}", stage.look()?);

    say!("Somebody else removes the FIFO meanwhile, so clean-up itself fails:");
    let path = stage.path("fifo");
    acquire(&stage, || fs::remove_file(&path).context("unlink the FIFO"))?;
    say!("  there now: {}", stage.look()?);

    endings::show(&stage)?;
    Ok(())
}

/// Four steps, and each may fail. The end of this function, whichever it is, drops what there is
/// by then, the newest first: nobody writes that down, so nobody forgets it.
fn acquire(stage: &Stage, work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let path = stage.path("fifo");
    let _fifo = Fifo::make(&path)?;
    // An OwnedFd: it closes itself. O_NONBLOCK: without it open(2) would wait for a writer.
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let _reader = open(&path, flags, Mode::empty())
        .with_context(|| format!("open {} for reading", path.display()))?;
    let _socket = Socket::bind(&stage.path("socket"))?;
    let _segment = Segment::make(&stage.segment())?;
    work()
}

/// Lets one step fail, with an obstacle in its way, and looks.
fn fail(stage: &Stage, obstacle: usize) -> anyhow::Result<()> {
    say!("{}:", stage.obstruct(obstacle)?);
    let before = stage.look()?;
    let limit = (obstacle == 2).then(Limit::no_descriptor).transpose()?;
    let result = acquire(stage, || Ok(()));
    drop(limit); // looking takes a descriptor
    let Err(error) = result else {
        bail!("nothing failed, although something is in the way");
    };
    // The error has come through the clean-up unharmed; C's errno would be that of the last call.
    say!("  failed: {:?}", Failure::from(error));
    say!("  there before: {before}; there now: {}", stage.look()?);
    stage.clear()
}
