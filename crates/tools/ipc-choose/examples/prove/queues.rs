//! One queue and two processes that both send and receive.

use anyhow::{Context, ensure};
use fork_isolation::reap;
use nix::unistd::{ForkResult, fork};
use posixmq::OpenOptions;
use sysv_msgq::Queue;

/// The type of what goes to the child, and of what comes back.
const QUESTION: i64 = 1;
const ANSWER: i64 = 2;

/// What the parent receives when both have sent through the same queue.
pub fn sysv_both_ways() -> anyhow::Result<String> {
    let making = lesson::making();
    let queue = Queue::private()?;
    let _made = making.remove_at_end(move || drop(queue.remove()));
    // SAFETY: this process has one thread, so the child can hold no lock of a thread it lacks.
    let child = match unsafe { fork() }.context("fork")? {
        ForkResult::Child => {
            lesson::forked();
            let answered = (queue.receive(QUESTION as _)).and_then(|question| {
                queue.send(ANSWER as _, &format!("{} answered", question.text))
            });
            lesson::end(answered)
        }
        ForkResult::Parent { child } => child,
    };
    queue.send(QUESTION as _, "question")?;
    let received = queue.receive(ANSWER as _)?;
    reap(child)?;
    Ok(received.text)
}

/// What a process receives that has sent through a queue without types.
pub fn posix_both_ways(name: &str) -> anyhow::Result<String> {
    let (queue, made) = posix_msgq::create(name, &mut OpenOptions::readwrite())?;
    ensure!(made.is_some(), "{name} was there already");
    queue.send(0, b"question").context("mq_send")?;
    let mut buffer = [0; posix_msgq::MESSAGE_SIZE];
    let (_, length) = queue.recv(&mut buffer).context("mq_receive")?;
    Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
}
