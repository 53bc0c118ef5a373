//! What sender and receiver agree on, and a thin safe wrapper over msgget(2), msgop(2) and
//! msgctl(2): neither std nor nix has these calls.

use std::fmt;
use std::path::PathBuf;
use std::ptr;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use libc::{c_int, c_long, key_t};
use nix::errno::Errno;
use nix::unistd::Uid;

/// The second half of the key, ftok(DIR, 'M').
pub const PROJECT: u8 = b'M';

/// What a message carries in front of its text, greater than zero.
pub type MessageType = c_long;

/// The longest text that the receiver takes, its final NUL included.
pub const MAX_TEXT: usize = 100;

/// The longest message of any kind that Linux takes by default: /proc/sys/kernel/msgmax.
const MSGMAX: usize = 8192;

/// The one argument of both programs.
#[derive(clap::Args)]
pub struct Key {
    /// The folder that stands for the queue: its key is ftok(DIR, 'M')
    #[arg(default_value = ".")]
    pub dir: PathBuf,
}

/// A message as the calls want it: its type, then the text.
#[repr(C)]
struct Buffer {
    msg_type: MessageType,
    msg_text: [u8; MSGMAX],
}

/// A message that was received.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    /// What the sender gave it: here its priority.
    pub msg_type: MessageType,
    /// Up to the NUL that C sends after it.
    pub text: String,
}

/// A queue of messages in the kernel. It outlives every process: see sysvipc(7).
#[derive(Clone, Copy)]
pub struct Queue(c_int);

impl fmt::Display for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "message queue {}", self.0)
    }
}

impl Queue {
    /// Creates the queue of this key, mode 0600; false if it was there and is ours.
    ///
    /// # Errors
    /// When it belongs to another user, or the kernel allows no more queues.
    pub fn create(key: key_t) -> anyhow::Result<(Self, bool)> {
        loop {
            match msgget(key, libc::IPC_CREAT | libc::IPC_EXCL | 0o600) {
                Err(Errno::EEXIST) => {}
                made => return Ok((made.with_context(|| format!("msgget key {key:#x}"))?, true)),
            }
            if let Some(queue) = Self::open(key)? {
                return Ok((queue, false));
            }
            // Removed between the two calls: once more.
        }
    }

    /// The queue of this key; `None` if there is none. It must be ours.
    ///
    /// # Errors
    /// When it belongs to another user.
    pub fn open(key: key_t) -> anyhow::Result<Option<Self>> {
        match msgget(key, 0) {
            Err(Errno::ENOENT) => Ok(None),
            found => {
                let queue = found.with_context(|| format!("msgget key {key:#x}"))?;
                queue.ensure_ours()?;
                Ok(Some(queue))
            }
        }
    }

    /// A queue without a key: for this process, and the children it forks.
    ///
    /// # Errors
    /// When the kernel allows no more queues.
    pub fn private() -> anyhow::Result<Self> {
        msgget(libc::IPC_PRIVATE, 0o600).context("msgget IPC_PRIVATE")
    }

    /// The number by which `ipcs -q` and `ipcrm -q` know it.
    pub fn id(self) -> c_int {
        self.0
    }

    /// Sends `text` and a NUL; sleeps while the queue is full.
    ///
    /// # Errors
    /// When the text is longer than the kernel takes, or the queue is removed meanwhile.
    pub fn send(self, msg_type: MessageType, text: &str) -> anyhow::Result<()> {
        let size = text.len() + 1;
        if size > MSGMAX {
            bail!("msgsnd {self}: {size} bytes are more than the kernel takes ({MSGMAX}, msgmax)");
        }
        let mut buffer = Buffer::new(msg_type);
        buffer.msg_text[..text.len()].copy_from_slice(text.as_bytes());
        // The size is that of the text alone, without the type in front of it.
        // SAFETY: `buffer` is a type and MSGMAX bytes of text, and `size` is at most that.
        retry(|| unsafe { libc::msgsnd(self.0, ptr::from_ref(&buffer).cast(), size, 0) })
            .map_err(|errno| self.explain("msgsnd", errno))?;
        Ok(())
    }

    /// Takes the first message that `msg_type` selects; sleeps until there is one.
    ///
    /// 0 takes the first of all, 5 the first of type 5, -5 the first of the lowest type up to 5.
    ///
    /// # Errors
    /// When the message is longer than [`MAX_TEXT`] (it stays in the queue), or the queue is
    /// removed meanwhile.
    pub fn receive(self, msg_type: MessageType) -> anyhow::Result<Message> {
        let message = self.take(msg_type, 0);
        message.map_err(|errno| self.explain("msgrcv", errno))
    }

    /// As [`Queue::receive`], but gives up after `limit`: `None`.
    ///
    /// System V has no receive with a time limit, so this polls.
    ///
    /// # Errors
    /// As [`Queue::receive`].
    pub fn receive_within(
        self,
        limit: Duration,
        msg_type: MessageType,
    ) -> anyhow::Result<Option<Message>> {
        lesson::poll_until(limit, || match self.take(msg_type, libc::IPC_NOWAIT) {
            Err(Errno::ENOMSG) => Ok(None),
            taken => Ok(Some(taken.map_err(|errno| self.explain("msgrcv", errno))?)),
        })
    }

    fn take(self, msg_type: MessageType, flags: c_int) -> nix::Result<Message> {
        let mut buffer = Buffer::new(0);
        // SAFETY: `buffer` has room for a type and MSGMAX bytes, and MAX_TEXT is less.
        let size = retry(|| unsafe {
            let into = ptr::from_mut(&mut buffer).cast();
            let size = libc::msgrcv(self.0, into, MAX_TEXT, msg_type, flags);
            size.try_into().unwrap_or(-1)
        })?;
        let text = &buffer.msg_text[..usize::try_from(size).unwrap_or(0)];
        let end = text.iter().position(|byte| *byte == 0);
        Ok(Message {
            msg_type: buffer.msg_type,
            text: String::from_utf8_lossy(&text[..end.unwrap_or(text.len())]).into_owned(),
        })
    }

    /// How many messages wait in it.
    ///
    /// # Errors
    /// When the queue has been removed.
    pub fn waiting(self) -> anyhow::Result<u64> {
        #[allow(clippy::useless_conversion)] // The width differs between machines.
        Ok(self.stat()?.msg_qnum.into())
    }

    /// Removes it, also for those who are asleep in it: they get EIDRM.
    ///
    /// # Errors
    /// When it has been removed already, or belongs to another user.
    pub fn remove(self) -> anyhow::Result<()> {
        // SAFETY: IPC_RMID takes no buffer.
        retry(|| unsafe { libc::msgctl(self.0, libc::IPC_RMID, ptr::null_mut()) })
            .with_context(|| format!("msgctl IPC_RMID {self}"))?;
        Ok(())
    }

    fn stat(self) -> anyhow::Result<libc::msqid_ds> {
        // SAFETY: msqid_ds is a C struct of integers, for which zero is a value.
        let mut stat: libc::msqid_ds = unsafe { std::mem::zeroed() };
        // SAFETY: IPC_STAT fills the msqid_ds that it is given.
        retry(|| unsafe { libc::msgctl(self.0, libc::IPC_STAT, &mut stat) })
            .with_context(|| format!("msgctl IPC_STAT {self}"))?;
        Ok(stat)
    }

    fn ensure_ours(self) -> anyhow::Result<()> {
        let stat = self.stat().map_err(|error| match error.downcast_ref() {
            // Of its mode, 0600, nothing is for others: not even to look at it.
            Some(Errno::EACCES) => {
                anyhow!("{self} belongs to another user, left as it is: give another DIR")
            }
            _ => error,
        })?;
        let owner = stat.msg_perm.uid;
        if owner != Uid::effective().as_raw() {
            bail!("{self} belongs to another user (uid {owner}), left as it is: give another DIR");
        }
        Ok(())
    }

    fn explain(self, call: &str, errno: Errno) -> anyhow::Error {
        let reason = match errno {
            Errno::EINVAL if self.stat().is_ok() => {
                "a type is a number above zero, and a message no longer than /proc/sys/kernel/msgmax"
            }
            Errno::EIDRM | Errno::EINVAL => "the queue has been removed: start both programs again",
            Errno::E2BIG => {
                "the message is longer than the buffer of 100 bytes, and stays in the queue: ipcrm -q removes it"
            }
            _ => return anyhow!(errno).context(format!("{call} {self}")),
        };
        anyhow!("{call} {self}: {errno:?}: {reason}")
    }
}

impl Buffer {
    fn new(msg_type: MessageType) -> Self {
        Self {
            msg_type,
            msg_text: [0; MSGMAX],
        }
    }
}

fn msgget(key: key_t, flags: c_int) -> nix::Result<Queue> {
    // SAFETY: msgget takes no pointer.
    retry(|| unsafe { libc::msgget(key, flags) }).map(Queue)
}

/// Calls again after EINTR: a handler that returns ends a sleeping msgsnd and msgrcv, even with
/// SA_RESTART, see signal(7).
fn retry(mut call: impl FnMut() -> c_int) -> nix::Result<c_int> {
    loop {
        match call() {
            -1 if Errno::last() == Errno::EINTR => {}
            -1 => return Err(Errno::last()),
            result => return Ok(result),
        }
    }
}
