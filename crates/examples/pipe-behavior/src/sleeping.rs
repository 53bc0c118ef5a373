//! Seeing that another process is blocked.

use std::fs;
use std::time::Duration;

use anyhow::{Context, ensure};
use nix::unistd::Pid;

/// Waits until the process sleeps; the kernel tells its state, but has no event for it.
pub fn wait_until_asleep(process: Pid) -> anyhow::Result<()> {
    let asleep = lesson::poll_until(Duration::from_secs(5), || {
        Ok((state(process)? == 'S').then_some(()))
    })?;
    ensure!(asleep.is_some(), "process {process} does not sleep");
    Ok(())
}

/// Whether a child that ends once its call returns is still in that call 100 ms later.
pub fn stays_in_call(child: Pid) -> anyhow::Result<bool> {
    // An ended child is a zombie, state Z, until it is waited for. Any other state proves
    // nothing: Ctrl-Z and fg take a process out of its sleep and back into it.
    let ended = lesson::poll_until(Duration::from_millis(100), || {
        Ok((state(child)? == 'Z').then_some(()))
    })?;
    Ok(ended.is_none())
}

/// The state in /proc/PID/stat; S is "interruptible sleep": see proc_pid_stat(5).
fn state(process: Pid) -> anyhow::Result<char> {
    let path = format!("/proc/{process}/stat");
    let stat = fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
    // "PID (name) STATE …", and the name may contain anything.
    let (_, after_name) = stat.rsplit_once(") ").context("no name in stat")?;
    after_name.chars().next().context("no state in stat")
}
