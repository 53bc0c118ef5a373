//! Packets: the footnote of pipes and FIFOs.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

use anyhow::Context;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::pipe2;

/// Two writes in packet mode, and what the first read returns.
pub fn packets(kind: &str) -> anyhow::Result<String> {
    let (mut read_end, mut write_end): (File, File) = match kind {
        "packet-pipe" => {
            let (read_end, write_end) = pipe2(OFlag::O_DIRECT).context("pipe2 O_DIRECT")?;
            (read_end.into(), write_end.into())
        }
        _ => {
            let path = Path::new("packets");
            let _made = fifo::create(path)?;
            let both = OpenOptions::new().read(true).write(true).open(path);
            let both = both.context("open packets")?;
            fcntl(&both, FcntlArg::F_SETFL(OFlag::O_DIRECT)).context("fcntl F_SETFL O_DIRECT")?;
            (both.try_clone().context("dup")?, both)
        }
    };
    write_end.write_all(b"Hello").context("write")?;
    write_end.write_all(b"World").context("write")?;
    let mut buffer = [0; 10];
    let length = read_end.read(&mut buffer).context("read")?;
    Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
}
