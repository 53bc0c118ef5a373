//! What all processes that use a database agree on: two copies of all records in a segment of System V
//! shared memory, and a lock on the folder.

mod command;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use anyhow::{Context, bail, ensure};
use nix::fcntl::{Flock, FlockArg};
use sysv_shm::{Attached, Segment};

pub use command::Command;

/// How many records there is room for.
pub const CAPACITY: usize = 64;

/// The longest key, in bytes.
pub const MAX_KEY: usize = 32;

/// The longest value, in bytes.
pub const MAX_VALUE: usize = 100;

/// In shared memory. All zero, as the kernel makes it, is an empty database.
#[repr(C)]
struct Layout {
    /// Which of the copies holds: an even number is the first.
    current: AtomicUsize,
    copies: [[Record; CAPACITY]; 2],
}

/// Text and zeros; a place that is free has no key.
#[repr(C)]
struct Record {
    key: [AtomicU8; MAX_KEY],
    value: [AtomicU8; MAX_VALUE],
}

/// The key of a System V segment.
///
/// # Errors
/// When `dir` does not exist or cannot be reached.
pub fn key(dir: &Path) -> anyhow::Result<libc::key_t> {
    lesson::ftok(dir, sysv_shm::PROJECT)
}

/// Makes an empty database.
///
/// # Errors
/// When there is one.
pub fn create(dir: &Path) -> anyhow::Result<()> {
    match Segment::create(key(dir)?, size_of::<Layout>())? {
        Some(_) => Ok(()),
        None => bail!("there is a database in {} already", dir.display()),
    }
}

/// Removes it, once nobody is in a block.
///
/// # Errors
/// When there is none.
pub fn destroy(dir: &Path) -> anyhow::Result<()> {
    let _lock = lock(dir, FlockArg::LockExclusive)?;
    open(dir)?.remove()
}

/// A time in which nobody else changes the database, or nobody else uses it at all.
pub struct Block {
    memory: Attached,
    records: BTreeMap<String, String>,
    writes: bool,
    _lock: Flock<File>,
}

impl Block {
    /// For reading: waits until nobody writes.
    ///
    /// # Errors
    /// When there is no database.
    pub fn read(dir: &Path) -> anyhow::Result<Self> {
        Self::begin(dir, FlockArg::LockShared, false)
    }

    /// For reading and writing: waits until nobody reads or writes.
    ///
    /// # Errors
    /// When there is no database.
    pub fn write(dir: &Path) -> anyhow::Result<Self> {
        Self::begin(dir, FlockArg::LockExclusive, true)
    }

    fn begin(dir: &Path, how: FlockArg, writes: bool) -> anyhow::Result<Self> {
        let _lock = lock(dir, how)?;
        // Only now: the database may have been destroyed, and made anew, while this waited.
        let memory = open(dir)?.attach()?;
        let layout = layout(&memory);
        let copy = &layout.copies[layout.current.load(Ordering::Acquire) % 2];
        let records = copy.iter().map(|it| (load(&it.key), load(&it.value)));
        let records = records.filter(|(key, _)| !key.is_empty()).collect();
        Ok(Self {
            memory,
            records,
            writes,
            _lock,
        })
    }

    /// The value of that key.
    ///
    /// # Errors
    /// When there is none.
    pub fn get(&self, key: &str) -> anyhow::Result<&str> {
        let value = self.records.get(key).map(String::as_str);
        value.with_context(|| format!("no such key: {key}"))
    }

    /// All records, in the order of their keys.
    pub fn list(&self) -> impl ExactSizeIterator<Item = (&String, &String)> {
        self.records.iter()
    }

    /// Stores a record, in place of the one of that key if there is one.
    ///
    /// # Errors
    /// When it does not fit, or in a block that reads.
    pub fn put(&mut self, key: &str, value: &str) -> anyhow::Result<()> {
        ensure!(self.writes, "a read block changes nothing");
        ensure!(
            (1..=MAX_KEY).contains(&key.len()),
            "a key has 1 to {MAX_KEY} bytes"
        );
        ensure!(
            (1..=MAX_VALUE).contains(&value.len()),
            "a value has 1 to {MAX_VALUE} bytes"
        );
        ensure!(
            self.records.len() < CAPACITY || self.records.contains_key(key),
            "the database is full: {CAPACITY} records"
        );
        self.records.insert(key.into(), value.into());
        Ok(())
    }

    /// Removes a record.
    ///
    /// # Errors
    /// When there is none, or in a block that reads.
    pub fn delete(&mut self, key: &str) -> anyhow::Result<()> {
        ensure!(self.writes, "a read block changes nothing");
        let gone = self.records.remove(key);
        gone.with_context(|| format!("no such key: {key}"))?;
        Ok(())
    }

    /// Ends the block, with all that it has changed. One that is dropped, or whose process is
    /// killed, has changed nothing.
    pub fn end(self) {
        if !self.writes {
            return;
        }
        let layout = layout(&self.memory);
        let current = layout.current.load(Ordering::Relaxed);
        // Nobody looks at this copy yet, so it does not matter if this process dies half-way.
        let spare = &layout.copies[(current + 1) % 2];
        let mut records = self.records.iter();
        for place in spare {
            let (key, value) = records.next().map_or(("", ""), |(key, value)| (key, value));
            store(&place.key, key);
            store(&place.value, value);
        }
        // One store changes everything. Release: who sees it sees all that was stored before.
        layout.current.store(current + 1, Ordering::Release);
    }
}

fn layout(memory: &Attached) -> &Layout {
    // SAFETY: Layout is repr(C) and made of atomics, and every pattern of bits is one.
    unsafe { memory.cast() }
}

fn open(dir: &Path) -> anyhow::Result<Segment> {
    let missing = || format!("no database in {}: create it first", dir.display());
    Segment::open(key(dir)?, size_of::<Layout>())?.with_context(missing)
}

/// A lock that the kernel gives back when its holder ends, however that comes: see flock(2).
fn lock(dir: &Path, how: FlockArg) -> anyhow::Result<Flock<File>> {
    let folder = File::open(dir).with_context(|| format!("open {}", dir.display()))?;
    Flock::lock(folder, how)
        .map_err(|(_, errno)| errno)
        .with_context(|| format!("flock {}", dir.display()))
}

fn load(text: &[AtomicU8]) -> String {
    let bytes = text.iter().map(|byte| byte.load(Ordering::Relaxed));
    let bytes: Vec<u8> = bytes.take_while(|byte| *byte != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn store(place: &[AtomicU8], text: &str) {
    let bytes = text.bytes().chain(std::iter::repeat(0));
    for (place, byte) in place.iter().zip(bytes) {
        place.store(byte, Ordering::Relaxed);
    }
}
