//! One function for each call that waits; it returns what came of it when the time was up.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::process;
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail, ensure};
use lesson::Made;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, accept, recv, setsockopt, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};
use nix::unistd;
use posixmq::OpenOptions;
use sysv_msgq::Queue;
use sysv_sem::Semaphores;

use crate::deadline::Deadline;

/// semop has no timeout, semtimedop has one: a length of time.
pub fn semaphore(deadline: Deadline) -> anyhow::Result<String> {
    let (set, _made) = semaphore_set()?;
    in_vain("semtimedop", deadline.wait(|left| set.p_once(left, 0)))
}

/// A timeout that belongs to the socket: a length of time, for every call that receives from it.
pub fn socket(deadline: Deadline) -> anyhow::Result<String> {
    let (socket, _silent) = UnixStream::pair().context("socketpair")?;
    let received = within(deadline, &socket, |fd| {
        recv(fd, &mut [0; 100], MsgFlags::empty())
    });
    in_vain("recv with SO_RCVTIMEO", received)
}

/// To accept is to receive a connection: the same option. The accept of Rust's library would call
/// again after EINTR, with the whole timeout once more; this one is nix's.
pub fn listener(deadline: Deadline) -> anyhow::Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("bind 127.0.0.1:0")?;
    in_vain(
        "accept with SO_RCVTIMEO",
        within(deadline, &listener, accept),
    )
}

/// The kernel counts SO_RCVTIMEO in its own ticks, some milliseconds each. On a busy virtual machine that
/// count is late and then leaps, and a call is back early: so it is made once more, as after EINTR.
fn within<T>(
    deadline: Deadline,
    socket: &(impl AsFd + AsRawFd),
    call: impl Fn(RawFd) -> nix::Result<T>,
) -> nix::Result<T> {
    loop {
        let answer = deadline.wait(|left| {
            setsockopt(socket, sockopt::ReceiveTimeout, &timeval(left))?;
            call(socket.as_raw_fd())
        });
        let early = matches!(answer, Err(Errno::EAGAIN)) && !deadline.left().is_zero();
        if !early {
            return answer;
        }
    }
}

/// read has no timeout. poll waits until a read would not sleep, on any descriptor and on several
/// at once, and returns how many of them are ready.
pub fn pipe(deadline: Deadline) -> anyhow::Result<String> {
    let (read_end, _write_end) = unistd::pipe().context("pipe")?;
    let mut reader = [PollFd::new(read_end.as_fd(), PollFlags::POLLIN)];
    let ready = deadline.wait(|left| poll(&mut reader, milliseconds(left)));
    let ready = ready.context("poll the pipe")?;
    ensure!(ready == 0, "poll: something came");
    Ok(format!("returns {ready}"))
}

/// The one timeout that is a deadline: a point in time, by the clock on the wall (CLOCK_REALTIME).
/// Calling again after EINTR, which posixmq does, needs no arithmetic then.
pub fn posix_queue(deadline: Deadline) -> anyhow::Result<String> {
    let name = format!("/timeouts-{}", process::id());
    let (queue, made) = posix_msgq::create(&name, &mut OpenOptions::readonly())?;
    // A queue without a name goes with its last descriptor.
    match made {
        Some(made) => drop(made),
        None => posix_msgq::remove(&name),
    }
    // In this order: time that passes in between must make the end later, not earlier.
    let left = deadline.left();
    let end = SystemTime::now() + left;
    let received = queue.recv_deadline(&mut [0; posix_msgq::MESSAGE_SIZE], end);
    let errno = |error: io::Error| Errno::from_raw(error.raw_os_error().unwrap_or(0));
    in_vain("mq_timedreceive", received.map_err(errno))
}

/// msgrcv has no timeout, and no descriptor that poll could watch: it is called again and again.
pub fn sysv_queue(deadline: Deadline) -> anyhow::Result<String> {
    let making = lesson::making();
    let queue = Queue::private()?;
    let _made = making.remove_at_end(move || drop(queue.remove()));
    match queue.receive_within(deadline.left(), 0)? {
        None => Ok("nothing, asked every 2 ms".into()),
        Some(_) => bail!("msgrcv: something came"),
    }
}

/// One semaphore, with the value 0. The guard removes the set.
pub fn semaphore_set() -> anyhow::Result<(Semaphores, Made)> {
    let making = lesson::making();
    let set = Semaphores::private(&[0])?;
    Ok((set, making.remove_at_end(move || drop(set.remove()))))
}

/// The time is up: EAGAIN ("not now") or ETIMEDOUT, as the call has it. All else is a failure.
fn in_vain<T>(call: &str, answer: nix::Result<T>) -> anyhow::Result<String> {
    match answer {
        Err(errno @ (Errno::EAGAIN | Errno::ETIMEDOUT)) => Ok(format!("fails with {errno:?}")),
        Err(errno) => Err(errno).with_context(|| call.to_owned()),
        Ok(_) => bail!("{call}: something came"),
    }
}

/// For SO_RCVTIMEO: never zero, which means for ever.
fn timeval(left: Duration) -> TimeVal {
    TimeVal::microseconds(left.as_micros().max(1) as i64)
}

/// For poll, rounded up: it must not be back before the time is up.
fn milliseconds(left: Duration) -> PollTimeout {
    PollTimeout::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(PollTimeout::MAX)
}
