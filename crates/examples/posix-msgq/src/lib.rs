//! What sender and receiver agree on: the queue's name, its attributes, and who may use it.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use anyhow::{Context, anyhow, ensure};
use lesson::Made;
use nix::errno::Errno;
use nix::sys::stat::fstat;
use nix::unistd::Uid;
use posixmq::{OpenOptions, PosixMq, remove_queue};

/// Where the two programs meet when no NAME is given.
pub const NAME: &str = "/myqueue";

/// How many messages the queue holds: mq_maxmsg. More than /proc/sys/fs/mqueue/msg_max (10) takes
/// CAP_SYS_RESOURCE, which root has, but not in every container.
pub const CAPACITY: usize = 10;

/// The longest message in bytes: mq_msgsize.
pub const MESSAGE_SIZE: usize = 100;

/// Creates the queue, mode 0600, or takes one of ours that is there already: see mq_open(3).
///
/// Returns a guard that removes the queue, at the latest on Ctrl-C, if it was created here.
///
/// # Errors
/// When the name cannot be used, or the queue belongs to another user.
pub fn create(name: &str, options: &mut OpenOptions) -> anyhow::Result<(PosixMq, Option<Made>)> {
    // Always set: with the default attributes a queue counts 82 KB against the 800 KB that a
    // user has, and the tenth or so fails with EMFILE.
    let options = options
        .mode(0o600)
        .capacity(CAPACITY)
        .max_msg_len(MESSAGE_SIZE);
    loop {
        let making = lesson::making();
        match options.create_new().open(name) {
            Ok(queue) => {
                let name = name.to_owned();
                return Ok((queue, Some(making.remove_at_end(move || remove(&name)))));
            }
            Err(error) if errno(&error) == Errno::EEXIST => {}
            Err(error) => return Err(explain("mq_open", name, error)),
        }
        drop(making);
        match options.existing().open(name) {
            Ok(queue) => {
                ensure_ours(name, &queue)?;
                return Ok((queue, None));
            }
            Err(error) if errno(&error) == Errno::ENOENT => {} // Just removed: once more.
            Err(error) => return Err(explain("mq_open", name, error)),
        }
    }
}

/// Refuses another user's queue. An existing one keeps the attributes that it was created with:
/// says so if they differ.
fn ensure_ours(name: &str, queue: &PosixMq) -> anyhow::Result<()> {
    // SAFETY: on Linux a queue is a file descriptor, open as long as `queue` lives.
    let descriptor = unsafe { BorrowedFd::borrow_raw(queue.as_raw_fd()) };
    let owner = fstat(descriptor).with_context(|| format!("fstat {name}"))?;
    let owner = Uid::from_raw(owner.st_uid);
    ensure!(
        owner == Uid::effective(),
        "{name} is a queue of another user (uid {owner}), left as it is: give another NAME"
    );
    let found = (queue.attributes()).with_context(|| format!("mq_getattr {name}"))?;
    if (found.capacity, found.max_msg_len) != (CAPACITY, MESSAGE_SIZE) {
        lesson::note!(
            "{name} was there already, for {} messages of {} bytes, and stays so",
            found.capacity,
            found.max_msg_len
        );
    }
    Ok(())
}

/// Removes the name: see mq_unlink(3).
pub fn remove(name: &str) {
    if let Err(error) = remove_queue(name) {
        // The partner may have been first.
        if errno(&error) != Errno::ENOENT {
            lesson::note!("mq_unlink {name}: {error}");
        }
    }
}

/// A queue's name: a slash, then anything but slashes; see mq_overview(7).
///
/// # Errors
/// Says what a name looks like.
pub fn parse_name(name: &str) -> anyhow::Result<String> {
    let rest = name.strip_prefix('/').unwrap_or_default();
    ensure!(
        (1..256).contains(&rest.len()) && !rest.contains('/'),
        "a queue's name is a slash and 1 to 255 other characters, such as {NAME}"
    );
    Ok(name.into())
}

/// The error of a call on the queue, with what to do next.
pub fn explain(call: &str, name: &str, error: io::Error) -> anyhow::Error {
    let errno = errno(&error);
    let start = |program| {
        let command = lesson::with_argument(program, name, NAME);
        format!("start {program} (cargo run -q --bin {command})")
    };
    let next = match errno {
        Errno::ETIMEDOUT if call == "mq_send" => {
            let start = start("posix-msgq-receiver");
            return anyhow!("{call} {name}: {errno:?}: the queue stays full: {start}");
        }
        Errno::ETIMEDOUT => {
            let start = start("posix-msgq-sender");
            return anyhow!("{call} {name}: {errno:?}: the queue stays empty: {start}");
        }
        Errno::EMSGSIZE => "the message is longer than the queue takes: shorten it",
        Errno::EMFILE => {
            "too many files, or this user's queues are too large together: see `ulimit -n -q` and ls /dev/mqueue"
        }
        Errno::EACCES => {
            "it belongs to another user, or cannot be a queue's name: give another NAME"
        }
        Errno::ENOSPC => "too many queues on this machine: see /proc/sys/fs/mqueue/queues_max",
        _ => return anyhow!(error).context(format!("{call} {name}")),
    };
    anyhow!("{call} {name}: {errno:?}: {next}")
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(0))
}
