//! For the tests: prints the value of the mutex of the ring in this folder.

use anyhow::Context;
use producer_consumer::MUTEX;
use sysv_sem::Semaphores;

fn main() -> anyhow::Result<()> {
    let key = lesson::ftok(".".as_ref(), b'E')?;
    let set = Semaphores::open(key, 3)?.context("no semaphores here")?;
    lesson::say!("{}", set.value(MUTEX)?);
    Ok(())
}
