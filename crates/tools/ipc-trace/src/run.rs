//! Runs strace(1): over programs side by side, or over one that runs already.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use ipc_trace::{Trace, blocked, blocked_now};
use lesson::{Made, note, poll_until, say};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// The calls that are written down: all that processes use to talk to each other.
pub const CALLS: &str = "trace=pipe,pipe2,socketpair,socket,bind,listen,accept,accept4,connect,\
shutdown,read,write,readv,writev,pread64,pwrite64,sendto,recvfrom,sendmsg,recvmsg,sendfile,splice,vmsplice,\
open,openat,close,dup,dup2,dup3,mknod,mknodat,unlink,unlinkat,ftruncate,mmap,\
msgget,msgsnd,msgrcv,msgctl,semget,semop,semtimedop,semctl,shmget,shmat,shmdt,shmctl,\
mq_open,mq_unlink,mq_timedsend,mq_timedreceive,mq_getsetattr,\
fork,vfork,clone,clone3,execve,wait4,waitid,exit_group,kill,tgkill,tkill,\
poll,ppoll,select,pselect6,epoll_wait,rt_sigtimedwait,clock_nanosleep,futex,flock";

/// The options that the library reads the log of.
fn strace(log: &Path) -> Command {
    let mut strace = Command::new("strace");
    // -s: strings up to that length. Without mknod and the like on some machines, hence the `?`.
    let calls = CALLS.replace("trace=", "trace=?").replace(',', ",?");
    strace
        .args(["-ff", "-ttt", "-T", "-yy", "-s", "256", "-e", &calls])
        .args(["-e", "signal=!SIGCONT,SIGSTOP,SIGWINCH", "-o"])
        .arg(log);
    strace
}

/// Turns `a b --and c` into what duet takes: "a: a b", "c: c".
pub fn commands(words: &[String]) -> anyhow::Result<Vec<String>> {
    let mut stage = Vec::new();
    for command in words.split(|word| word == "--and") {
        let name = command
            .first()
            .context("--and stands between two commands")?;
        let label = Path::new(name)
            .file_name()
            .map_or(name.clone(), |it| it.to_string_lossy().into_owned());
        let quoted: Vec<_> = command
            .iter()
            .map(|it| format!("'{}'", it.replace('\'', r"'\''")))
            .collect();
        stage.push(format!("{label}: {}", quoted.join(" ")));
    }
    Ok(stage)
}

/// Runs labelled shell commands side by side; what they print is shown, and then can be drawn.
pub fn run(
    stage: &[String],
    services: &[String],
    limit: u64,
    save: Option<&Path>,
) -> anyhow::Result<Trace> {
    let (logs, _made) = folder()?;
    let log = save.map_or_else(|| logs.join("log"), Path::to_owned);
    let duet = env::current_exe()
        .context("the path of this program")?
        .with_file_name("duet");
    let mut command = strace(&log);
    // The lessons' programs are beside this one; what is in PATH comes first.
    if let Some(path) = env::var_os("PATH") {
        let folders = env::split_paths(&path).chain(duet.parent().map(Path::to_owned));
        // A folder with a colon in its name cannot be in PATH.
        command.env("PATH", env::join_paths(folders).unwrap_or(path));
    }
    command
        .args(["--seccomp-bpf", "--"])
        .arg(duet)
        .args(["--silence", &limit.saturating_add(10).to_string()]);
    for service in services {
        command.args(["--service", service]);
    }
    let child = start(command.args(stage))?;
    let read = || Trace::read(std::slice::from_ref(&log));
    wait(child, limit, |child| {
        let trace = read()?;
        for blocked in blocked(&trace) {
            say!("{blocked}");
        }
        // The programs get to remove what they made; then duet, and with it strace, ends by itself.
        for signal in [Signal::SIGTERM, Signal::SIGKILL] {
            for pid in read()?.alive() {
                let _ = kill(Pid::from_raw(pid as i32), signal);
            }
            if ended(child, Duration::from_secs(2))? {
                break;
            }
        }
        Ok(())
    })?;
    read()
}

/// Says what a process is blocked in, then traces it until `limit` or its end.
pub fn attach(pid: u32, limit: u64, save: Option<&Path>) -> anyhow::Result<Trace> {
    ensure!(
        Path::new(&format!("/proc/{pid}")).exists(),
        "there is no process {pid}"
    );
    for blocked in blocked_now(pid) {
        say!("{blocked}");
    }
    let (logs, _made) = folder()?;
    let log = save.map_or_else(|| logs.join("log"), Path::to_owned);
    let child = start(strace(&log).args(["-qq", "-p", &pid.to_string()]))?;
    wait(child, limit, |_| Ok(()))?;
    let mut trace = Trace::read(&[log])?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    trace.name(pid, name.trim());
    Ok(trace)
}

/// A folder for the logs, removed at the end, also where a pipe that nobody reads is the end.
fn folder() -> anyhow::Result<(PathBuf, Made)> {
    let making = lesson::making();
    let logs = TempDir::with_prefix("ipc-trace.").context("make a folder for the logs")?;
    let path = logs.path().to_owned();
    Ok((path, making.remove_at_end(move || drop(logs))))
}

fn start(command: &mut Command) -> anyhow::Result<Child> {
    match command.spawn() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("strace is not installed: sudo apt-get install strace")
        }
        child => child.context("run strace"),
    }
}

/// Waits for strace to end, on Ctrl-C or at the limit makes it end.
fn wait(
    mut child: Child,
    limit: u64,
    at_limit: impl Fn(&mut Child) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let pid = Pid::from_raw(child.id().try_into().context("pid")?);
    // On Ctrl-C the terminal tells strace and its programs too: all that is left is to draw.
    lesson::on_signal(move |_| {
        let _ = kill(pid, Signal::SIGTERM);
    })?;
    if !ended(&mut child, Duration::from_secs(limit))? {
        note!("After {limit} s (--limit):");
        at_limit(&mut child)?;
        let _ = kill(pid, Signal::SIGTERM);
    }
    let status = child.wait().context("waitpid")?;
    // strace dies as its program does: nobody reads what we print.
    if status.signal() == Some(Signal::SIGPIPE as i32) {
        lesson::clean_up();
        lesson::die_of(Signal::SIGPIPE);
    }
    Ok(())
}

/// Whether a child has ended within that time. waitpid has no time limit, so this polls.
fn ended(child: &mut Child, limit: Duration) -> anyhow::Result<bool> {
    let status = poll_until(limit, || child.try_wait().context("waitpid"))?;
    Ok(status.is_some())
}
