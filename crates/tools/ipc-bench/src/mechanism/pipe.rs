//! pipe(2): one for each direction.

use anyhow::Context;
use nix::unistd::pipe;

use super::Pair;
use super::stream::streams;

pub fn open(_size: usize) -> anyhow::Result<Pair> {
    streams(|| {
        let (read, write) = pipe().context("pipe")?;
        Ok((read.into(), write.into()))
    })
}
