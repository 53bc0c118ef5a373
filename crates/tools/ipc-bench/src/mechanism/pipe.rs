//! pipe(2): one for each direction.

use anyhow::Context;
use nix::unistd::pipe;

use super::Pair;
use super::stream::Stream;

pub fn open(_size: usize) -> anyhow::Result<Pair> {
    let (to_us, from_them) = pipe().context("pipe")?;
    let (to_them, from_us) = pipe().context("pipe")?;
    let ours = Stream {
        input: to_us.into(),
        output: from_us.into(),
    };
    let theirs = Stream {
        input: to_them.into(),
        output: from_them.into(),
    };
    Ok(Pair::new(ours, theirs))
}
