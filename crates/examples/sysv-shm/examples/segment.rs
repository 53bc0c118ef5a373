//! For the tests of exercises: another program that looks at the segment of ftok(DIR, 'S').
//!
//! segment id|read|remove DIR, segment make DIR SIZE < CONTENT, segment write DIR < CONTENT

use std::fs;
use std::io::{Read, stdin};
use std::path::Path;
use std::sync::atomic::Ordering;

use anyhow::{Context, bail, ensure};
use lesson::say;
use libc::key_t;
use sysv_shm::{PROJECT, Segment};

/// No exercise needs a larger one.
const LARGEST: usize = 16 << 20;

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["id", dir] => say!("{}", find(key(dir)?)?.id()),
        ["read", dir] => {
            let memory = find(key(dir)?)?.attach()?;
            ensure!(
                memory.bytes().len() <= LARGEST,
                "the segment has more than {LARGEST} bytes"
            );
            let bytes = memory.bytes().iter();
            let bytes: Vec<u8> = bytes.map(|byte| byte.load(Ordering::Acquire)).collect();
            lesson::print(&bytes);
        }
        ["remove", dir] => find(key(dir)?)?.remove()?,
        ["make", dir, size] => {
            let mut content = Vec::new();
            stdin().read_to_end(&mut content).context("read stdin")?;
            let segment = Segment::create(key(dir)?, size.parse().context("SIZE")?)?
                .context("there is a segment already")?;
            for (place, byte) in segment.attach()?.bytes().iter().zip(content) {
                place.store(byte, Ordering::Release);
            }
        }
        ["write", dir] => {
            let mut content = Vec::new();
            stdin().read_to_end(&mut content).context("read stdin")?;
            let memory = find(key(dir)?)?.attach()?;
            for (place, byte) in memory.bytes().iter().zip(content) {
                place.store(byte, Ordering::Release);
            }
        }
        _ => bail!("usage: segment id|read|remove|write DIR, segment make DIR SIZE"),
    }
    Ok(())
}

fn key(dir: &str) -> anyhow::Result<key_t> {
    lesson::ftok(Path::new(dir), PROJECT)
}

/// The segment of that key, whatever its size: see proc_sysvipc(5).
fn find(key: key_t) -> anyhow::Result<Segment> {
    let table = fs::read_to_string("/proc/sysvipc/shm").context("read /proc/sysvipc/shm")?;
    for line in table.lines().skip(1) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if fields[0].parse() == Ok(key) {
            let size = fields[3].parse().context("a size")?;
            return Segment::open(key, size)?.context("it was removed just now");
        }
    }
    bail!("no segment has the key {key:#x}")
}
