//! Every way to carry a message from one process to another, behind one small trait.

mod eventfd;
mod fifo;
mod mailbox;
pub mod peaks;
mod pipe;
mod posix_mq;
mod ring;
mod shm_futex;
mod shm_sem;
mod slots;
mod splice;
mod stream;
mod sysv_mq;
mod sysv_shm;
mod tcp;
mod udp;
mod unix_dgram;
mod unix_seqpacket;
mod unix_stream;
mod zerocopy;

use std::io;

use anyhow::Context;

/// One side of a conversation. Each side is used by one process.
///
/// The loops that are measured are provided here, so that each is compiled once for every mechanism, its
/// calls known and inlined: an indirect call for each message would be in the figures.
pub trait End {
    /// Sends one message, and sleeps (or spins) while there is no room for it.
    ///
    /// # Errors
    /// Those of the call underneath.
    fn send(&mut self, message: &[u8]) -> io::Result<()>;

    /// Waits for the next message, which is as long as `message`.
    ///
    /// # Errors
    /// Those of the call underneath.
    fn receive(&mut self, message: &mut [u8]) -> io::Result<()>;

    /// Sends what `send` has kept back to send it with later messages, and waits until nobody needs the
    /// sender's own bytes any more: before the message is changed.
    ///
    /// # Errors
    /// Those of the call underneath.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Sends so many messages.
    ///
    /// # Errors
    /// Those of `send`.
    fn send_all(&mut self, message: &[u8], count: u64) -> anyhow::Result<()> {
        for _ in 0..count {
            self.send(message).context("send")?;
        }
        Ok(())
    }

    /// Sends so many messages, each when the last one has been answered.
    ///
    /// # Errors
    /// Those of `send` and `receive`.
    fn round_trips(&mut self, message: &mut [u8], count: u64) -> anyhow::Result<()> {
        for _ in 0..count {
            self.send(message).context("send")?;
            self.receive(message).context("receive")?;
        }
        Ok(())
    }

    /// Receives messages, until one begins with `last`, and answers each if asked to; says how many came
    /// before that one.
    ///
    /// # Errors
    /// Those of `send` and `receive`.
    fn receive_all(&mut self, message: &mut [u8], last: u8, answer: bool) -> anyhow::Result<u64> {
        let mut received = 0;
        loop {
            self.receive(message).context("receive")?;
            if message[0] == last {
                return Ok(received);
            }
            received += 1;
            if answer {
                self.send(message).context("send")?;
            }
        }
    }
}

/// What would outlive both processes.
#[derive(Clone, Copy)]
pub enum Remove {
    /// A System V queue, by its id.
    Queue(i32),
    /// A System V semaphore set, by its id.
    Semaphores(i32),
}

impl Remove {
    /// Removes it, by one system call alone: a signal handler may do so. Whoever comes second finds
    /// nothing.
    pub fn now(self) {
        // SAFETY: IPC_RMID takes no pointer and no argument.
        unsafe {
            match self {
                Self::Queue(id) => libc::msgctl(id, libc::IPC_RMID, std::ptr::null_mut()),
                Self::Semaphores(id) => libc::semctl(id, 0, libc::IPC_RMID),
            }
        };
    }
}

/// Both sides, opened by one process that then forks.
pub struct Pair {
    /// The parent's.
    pub ours: Box<dyn End>,
    /// The child's.
    pub theirs: Box<dyn End>,
    /// Removes what would outlive both processes, where there is such a thing.
    pub remove: Option<Remove>,
}

impl Pair {
    fn new(ours: impl End + 'static, theirs: impl End + 'static) -> Self {
        Self {
            ours: Box::new(ours),
            theirs: Box::new(theirs),
            remove: None,
        }
    }
}

/// The tutorial's names for kinds of IPC, in the order of its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub enum Kind {
    #[serde(rename = "Shared Memory")]
    SharedMemory,
    #[serde(rename = "Pipes")]
    Pipes,
    #[serde(rename = "Unix Domain Sockets")]
    UnixSockets,
    #[serde(rename = "Message Queues")]
    MessageQueues,
    #[serde(rename = "Network Sockets")]
    NetworkSockets,
}

/// A row of the tables.
pub struct Mechanism {
    /// Its name, which `--only` takes.
    pub name: &'static str,
    pub kind: Kind,
    /// Opens both sides, for messages of that many bytes.
    pub open: fn(usize) -> anyhow::Result<Pair>,
    /// The longest message, where there is a limit.
    pub max: fn() -> Option<usize>,
    /// Whether it waits by looking again and again: then it needs two processors.
    pub spins: bool,
    /// Whether messages may be lost when the receiver is slow.
    pub loses: bool,
    /// System calls that a message cannot do without, of sender and receiver together, when the
    /// receiver sleeps.
    pub calls: u32,
    /// The same while nobody sleeps.
    pub busy_calls: u32,
}

const fn kernel(
    name: &'static str,
    kind: Kind,
    open: fn(usize) -> anyhow::Result<Pair>,
) -> Mechanism {
    Mechanism {
        name,
        kind,
        open,
        max: || None,
        spins: false,
        loses: false,
        calls: 2,
        busy_calls: 2,
    }
}

/// All of them.
pub static ALL: &[Mechanism] = &[
    kernel("pipe", Kind::Pipes, pipe::open),
    kernel("fifo", Kind::Pipes, fifo::open),
    Mechanism {
        max: sysv_mq::max,
        ..kernel("sysv-mq", Kind::MessageQueues, sysv_mq::open)
    },
    Mechanism {
        max: posix_mq::max,
        ..kernel("posix-mq", Kind::MessageQueues, posix_mq::open)
    },
    kernel("sysv-shm+sem", Kind::SharedMemory, sysv_shm::open),
    Mechanism {
        busy_calls: 0,
        ..kernel("posix-shm+futex", Kind::SharedMemory, shm_futex::open)
    },
    Mechanism {
        busy_calls: 0,
        ..kernel("posix-shm+sem", Kind::SharedMemory, shm_sem::open)
    },
    kernel("eventfd", Kind::SharedMemory, eventfd::open),
    Mechanism {
        spins: true,
        busy_calls: 0,
        ..kernel("ring-spin", Kind::SharedMemory, ring::spinning)
    },
    Mechanism {
        busy_calls: 0,
        ..kernel("ring-futex", Kind::SharedMemory, ring::sleeping)
    },
    Mechanism {
        spins: true,
        busy_calls: 0,
        max: || Some(ipc_bench::mailbox::MAX),
        ..kernel("mailbox", Kind::SharedMemory, mailbox::open)
    },
    kernel("unix-stream", Kind::UnixSockets, unix_stream::open),
    Mechanism {
        max: unix_stream::max_packet,
        ..kernel("unix-seqpacket", Kind::UnixSockets, unix_seqpacket::open)
    },
    Mechanism {
        max: unix_stream::max_packet,
        ..kernel("unix-dgram", Kind::UnixSockets, unix_dgram::open)
    },
    kernel("tcp", Kind::NetworkSockets, tcp::open),
    Mechanism {
        loses: true,
        max: || Some(udp::MAX),
        ..kernel("udp", Kind::NetworkSockets, udp::open)
    },
];
