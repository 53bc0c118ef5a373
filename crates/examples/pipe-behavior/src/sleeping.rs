//! Seeing that another process is blocked.

use std::fs;
use std::time::Duration;

use anyhow::{Context, ensure};
use nix::unistd::Pid;

/// Waits until the process sleeps; the kernel tells its state, but has no event for it.
pub fn wait_until_asleep(process: Pid) -> anyhow::Result<()> {
    let asleep = lesson::poll_until(Duration::from_secs(5), || {
        Ok(is_asleep(process)?.then_some(()))
    })?;
    ensure!(asleep.is_some(), "process {process} does not sleep");
    Ok(())
}

/// Whether it goes on sleeping for 100 ms.
pub fn stays_asleep(process: Pid) -> anyhow::Result<bool> {
    let woken = lesson::poll_until(Duration::from_millis(100), || {
        Ok((!is_asleep(process)?).then_some(()))
    })?;
    Ok(woken.is_none())
}

/// State S, "interruptible sleep", in /proc/PID/stat: see proc_pid_stat(5).
fn is_asleep(process: Pid) -> anyhow::Result<bool> {
    let path = format!("/proc/{process}/stat");
    let stat = fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
    // "PID (name) STATE …", and the name may contain anything.
    let (_, after_name) = stat.rsplit_once(')').context("no name in stat")?;
    Ok(after_name.trim_start().starts_with('S'))
}
