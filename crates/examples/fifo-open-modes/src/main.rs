//! Which open of a FIFO waits for a partner, which returns at once, which fails: the tutorial's
//! table, filled in by trying each mode on the running kernel.
//!
//! One program, no partner: cargo run -q --bin fifo-open-modes

mod probe;

use std::fs;
use std::path::Path;

use anyhow::Context;
use lesson::{Failure, say};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::mkdtemp;

use probe::{Seen, open_flags, probe};

const MODES: [(&str, OFlag); 5] = [
    ("O_RDONLY", OFlag::O_RDONLY),
    ("O_WRONLY", OFlag::O_WRONLY),
    ("O_RDWR", OFlag::O_RDWR),
    (
        "O_NONBLOCK | O_RDONLY",
        OFlag::O_NONBLOCK.union(OFlag::O_RDONLY),
    ),
    (
        "O_NONBLOCK | O_WRONLY",
        OFlag::O_NONBLOCK.union(OFlag::O_WRONLY),
    ),
];

fn main() -> Result<(), Failure> {
    lesson::no_arguments!();
    lesson::clean_up_on_signal()?;
    let template = std::env::temp_dir().join("fifo-open-modes-XXXXXX");
    let making = lesson::making();
    // Puts letters in place of XXXXXX until the name is new, and makes the folder with mode 0700:
    // nobody else opens what is in it.
    let folder = mkdtemp(&template).with_context(|| format!("mkdtemp {}", template.display()))?;
    let made = folder.clone();
    let _made = making.remove_at_end(move || remove(&made));

    say!("{:<21} | Behavior", "Mode");
    say!("{:-<21} | {:-<63}", "", "");
    for (name, flags) in MODES {
        // A new one for each mode: an open that never returned has no part in the next row.
        let path = folder.join("fifo");
        let _fifo = fifo::create(&path)?;
        say!("{name:<21} | {}", behavior(&path, flags)?);
    }
    Ok(())
}

/// The tutorial's words where the kernel did what they say, and what it did where not.
fn behavior(path: &Path, flags: OFlag) -> anyhow::Result<String> {
    let alone = probe(path, flags)?;
    // A reader for the time of the second try.
    let reader = open_flags(path, OFlag::O_RDONLY | OFlag::O_NONBLOCK)
        .with_context(|| format!("open {} O_RDONLY | O_NONBLOCK", path.display()))?;
    let with_reader = probe(path, flags)?;
    drop(reader);

    Ok(match (alone, with_reader) {
        (Seen::WaitsForWriter, Seen::WaitsForWriter) => {
            "Blocks until a process opens FIFO for writing".into()
        }
        (Seen::WaitsForReader, Seen::AtOnce) => {
            "Blocks until a process opens FIFO for reading".into()
        }
        (Seen::Fails(Errno::ENXIO), Seen::AtOnce) => {
            "Opens immediately if reader exists; fails with ENXIO if no reader".into()
        }
        (Seen::AtOnce, Seen::AtOnce) if flags == OFlag::O_RDWR => {
            "Opens immediately (not recommended - can cause issues)".into()
        }
        (Seen::AtOnce, Seen::AtOnce) => "Opens immediately, returns valid fd".into(),
        (alone, with_reader) => format!("alone: {alone}; with a reader: {with_reader}"),
    })
}

fn remove(folder: &Path) {
    if let Err(error) = fs::remove_dir(folder) {
        lesson::note!("rmdir {}: {error}", folder.display());
    }
}
