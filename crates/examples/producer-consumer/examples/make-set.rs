//! For the tests: makes a set without values, as a creator leaves it that dies before its first
//! semop, or another program might.
//!
//! make-set COUNT

use anyhow::Context;
use nix::errno::Errno;

fn main() -> anyhow::Result<()> {
    let count = std::env::args().nth(1).context("usage: make-set COUNT")?;
    let count = count.parse().context("COUNT")?;
    let key = lesson::ftok(".".as_ref(), b'E')?;
    // SAFETY: semget takes no pointer.
    Errno::result(unsafe { libc::semget(key, count, libc::IPC_CREAT | libc::IPC_EXCL | 0o600) })
        .context("semget")?;
    Ok(())
}
