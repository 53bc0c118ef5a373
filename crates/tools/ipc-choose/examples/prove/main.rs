//! For the tests: what this kernel does, where no lesson's program shows it by itself.
//!
//! prove both-ways sysv|posix NAME   who gets what two processes say through one queue
//! prove both-ways memory DIR        the same through one segment
//! prove boundaries TYPE             two writes, and what one read returns of them
//! prove hand-over PATH              gives the read end of a pipe to whoever connects, and
//! prove take-over PATH              reads from one that it is given
//! prove bind PATH                   how a bind ends
//! prove flood                       datagrams for a receiver that does not receive

mod memory;
mod pipes;
mod queues;
mod sockets;

use std::path::Path;

use anyhow::bail;

fn main() -> anyhow::Result<()> {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let shown = match &words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["both-ways", "sysv"] => queues::sysv_both_ways()?,
        ["both-ways", "posix", name] => queues::posix_both_ways(name)?,
        ["both-ways", "memory", dir] => memory::both_ways(Path::new(dir))?,
        ["boundaries", "memory", dir] => memory::boundaries(Path::new(dir))?,
        ["boundaries", kind @ ("packet-pipe" | "packet-fifo")] => pipes::packets(kind)?,
        ["boundaries", kind] => sockets::boundaries(kind)?,
        ["hand-over", path] => sockets::hand_over(Path::new(path))?,
        ["take-over", path] => sockets::take_over(Path::new(path))?,
        ["bind", path] => sockets::bind(Path::new(path))?,
        ["flood"] => sockets::flood()?,
        _ => bail!("prove does not know {words:?}"),
    };
    lesson::say!("{shown}");
    Ok(())
}
