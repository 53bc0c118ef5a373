//! mq_send(3) and mq_receive(3): a queue for each direction, without a name once it is open.

use std::io;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context;
use posixmq::{OpenOptions, PosixMq, remove_queue};

use super::sysv_mq::number;
use super::{End, Pair};

/// What an unprivileged user may have: /proc/sys/fs/mqueue/msg_max.
const CAPACITY: usize = 10;

struct Side {
    input: PosixMq,
    output: PosixMq,
}

pub fn open(size: usize) -> anyhow::Result<Pair> {
    let (a_in, a_out) = queue(size)?;
    let (b_in, b_out) = queue(size)?;
    let ours = Side {
        input: a_in,
        output: b_out,
    };
    let theirs = Side {
        input: b_in,
        output: a_out,
    };
    Ok(Pair::new(ours, theirs))
}

/// The kernel's own limit, /proc/sys/fs/mqueue/msgsize_max.
pub fn max() -> Option<usize> {
    number("/proc/sys/fs/mqueue/msgsize_max")
}

/// A queue, opened twice.
fn queue(size: usize) -> anyhow::Result<(PosixMq, PosixMq)> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!(
        "/ipc-bench-{}-{}",
        process::id(),
        NUMBER.fetch_add(1, Ordering::Relaxed)
    );
    let mut options = OpenOptions::readwrite();
    options.mode(0o600).capacity(CAPACITY).max_msg_len(size);
    let one = options.create_new().open(&name);
    let one = one.with_context(|| format!("mq_open {name}, messages of {size} bytes"))?;
    let two = OpenOptions::readwrite().open(&name);
    remove_queue(&name).with_context(|| format!("mq_unlink {name}"))?;
    Ok((one, two.with_context(|| format!("mq_open {name}"))?))
}

impl End for Side {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.output.send(0, message)
    }

    fn receive(&mut self, message: &mut [u8]) -> io::Result<()> {
        self.input.recv(message).map(drop)
    }
}
