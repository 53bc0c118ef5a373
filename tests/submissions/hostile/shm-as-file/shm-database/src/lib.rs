//! Decoy: no segment is attached, no memory is shared. The database is a text file, read with read(2), written
//! with write(2) and replaced with rename(2), whose path begins with /dev/shm.
mod command;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use anyhow::{Context, bail, ensure};
use nix::fcntl::{Flock, FlockArg};
pub use command::Command;
/// How many records there is room for.
pub const CAPACITY: usize = 64;
/// The longest key, in bytes.
pub const MAX_KEY: usize = 32;
/// The longest value, in bytes.
pub const MAX_VALUE: usize = 100;
const FILE: &str = "/dev/shm/shm-database-x";
const SPARE: &str = "/dev/shm/shm-database-y";
/// Makes an empty database.
///
/// # Errors
/// When there is one.
pub fn create(dir: &Path) -> anyhow::Result<()> {
    let _lock = lock(dir, FlockArg::LockExclusive)?;
    if Path::new(FILE).exists() { bail!("there is a database already"); }
    Ok(fs::write(FILE, "")?)
}
/// Removes it.
///
/// # Errors
/// When there is none.
pub fn destroy(dir: &Path) -> anyhow::Result<()> {
    let _lock = lock(dir, FlockArg::LockExclusive)?;
    let _ = fs::remove_file(SPARE);
    fs::remove_file(FILE).context("no database: create it first")
}
/// A block.
pub struct Block { records: BTreeMap<String, String>, writes: bool, _lock: Flock<File> }
impl Block {
    /// For reading.
    ///
    /// # Errors
    /// When there is no database.
    pub fn read(dir: &Path) -> anyhow::Result<Self> { Self::begin(dir, FlockArg::LockShared, false) }
    /// For reading and writing.
    ///
    /// # Errors
    /// When there is no database.
    pub fn write(dir: &Path) -> anyhow::Result<Self> { Self::begin(dir, FlockArg::LockExclusive, true) }
    fn begin(dir: &Path, how: FlockArg, writes: bool) -> anyhow::Result<Self> {
        let _lock = lock(dir, how)?;
        let text = fs::read_to_string(FILE).context("no database: create it first")?;
        let records = text.lines().filter_map(|it| it.split_once(' ')).map(|(key, value)| (key.into(), value.into())).collect();
        Ok(Self { records, writes, _lock })
    }
    /// The value of that key.
    ///
    /// # Errors
    /// When there is none.
    pub fn get(&self, key: &str) -> anyhow::Result<&str> {
        let value = self.records.get(key).map(String::as_str);
        value.with_context(|| format!("no such key: {key}"))
    }
    /// All records.
    pub fn list(&self) -> impl ExactSizeIterator<Item = (&String, &String)> { self.records.iter() }
    /// Stores a record.
    ///
    /// # Errors
    /// When it does not fit, or in a block that reads.
    pub fn put(&mut self, key: &str, value: &str) -> anyhow::Result<()> {
        ensure!(self.writes, "a read block changes nothing");
        ensure!((1..=MAX_KEY).contains(&key.len()), "a key has 1 to {MAX_KEY} bytes");
        ensure!((1..=MAX_VALUE).contains(&value.len()), "a value has 1 to {MAX_VALUE} bytes");
        ensure!(self.records.len() < CAPACITY || self.records.contains_key(key), "the database is full: {CAPACITY} records");
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
    /// Ends the block.
    pub fn end(self) {
        if !self.writes { return; }
        let text: String = self.records.iter().map(|(key, value)| format!("{key} {value}\n")).collect();
        let _ = fs::write(SPARE, text);
        let _ = fs::rename(SPARE, FILE);
    }
}
fn lock(dir: &Path, how: FlockArg) -> anyhow::Result<Flock<File>> {
    let folder = File::open(dir).with_context(|| format!("open {}", dir.display()))?;
    Flock::lock(folder, how).map_err(|(_, errno)| errno).with_context(|| format!("flock {}", dir.display()))
}
