//! For the tests: makes a queue with attributes of its own, as another program might.
//!
//! make-queue NAME CAPACITY SIZE MODE, or make-queue NAME remove

use anyhow::{Context, bail};
use posixmq::{OpenOptions, remove_queue};

fn main() -> anyhow::Result<()> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    match &words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [name, "remove"] => remove_queue(*name).context("mq_unlink")?,
        [name, capacity, size, mode] => {
            OpenOptions::readwrite()
                .create_new()
                .capacity(capacity.parse().context("CAPACITY")?)
                .max_msg_len(size.parse().context("SIZE")?)
                .mode(u32::from_str_radix(mode, 8).context("MODE")?)
                .open(*name)
                .context("mq_open")?;
        }
        _ => bail!("usage: make-queue NAME CAPACITY SIZE MODE, or make-queue NAME remove"),
    }
    Ok(())
}
