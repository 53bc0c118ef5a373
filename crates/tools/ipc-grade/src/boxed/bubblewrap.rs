//! A box of bubblewrap (bwrap(1)) in which nothing runs yet.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use lesson::poll_until;
use nix::fcntl::OFlag;
use nix::unistd::pipe2;
use serde::Deserialize;

use super::{PROGRAMS, WORK};
use crate::bench;
use crate::isolation::become_uid;

/// How large a box's own file systems are, in bytes: see tmpfs(5).
const FILES: &str = "134217728";
const SHARED_MEMORY: &str = "67108864";

/// A box that stands, and the program that keeps it.
pub struct Bubblewrap {
    bwrap: Child,
    init: i32,
    keeper: i32,
}

/// What bwrap tells of it (`--info-fd`).
#[derive(Deserialize)]
struct Info {
    #[serde(rename = "child-pid")]
    child_pid: i32,
}

impl Bubblewrap {
    /// Makes a box with the programs of that directory in it.
    ///
    /// # Errors
    /// When bwrap fails: it says why.
    pub fn start(uid: Option<u32>, bin: &Path) -> anyhow::Result<Self> {
        // Close-on-exec: of all that this process starts, only bwrap gets the write end.
        let (info, to_us): (OwnedFd, OwnedFd) = pipe2(OFlag::O_CLOEXEC).context("pipe2")?;
        let mut command = words(uid, bin, to_us.as_raw_fd());
        let raw = to_us.as_raw_fd();
        // SAFETY: fcntl is on the list of signal-safety(7), and `raw` stays open until spawn returns.
        unsafe {
            command.pre_exec(move || match libc::fcntl(raw, libc::F_SETFD, 0) {
                -1 => Err(std::io::Error::last_os_error()),
                _ => Ok(()),
            });
        }
        let mut bwrap = bench::spawn(&mut command).context("run bwrap")?;
        drop(to_us);
        let stands = stands(info);
        let Ok(Some((init, keeper))) = stands else {
            // Should the keeper run, then this ends it.
            drop(bwrap.stdin.take());
            let _ = bwrap.kill();
            let mut why = String::new();
            if let Some(mut stderr) = bwrap.stderr.take() {
                let _ = stderr.read_to_string(&mut why);
            }
            let _ = bwrap.wait();
            bail!("bwrap: {}", why.trim());
        };
        Ok(Self {
            bwrap,
            init,
            keeper,
        })
    }

    /// The process that the box's namespaces belong to: its pid here, 1 in the box.
    pub fn init(&self) -> i32 {
        self.init
    }

    /// The program that waits in the box until it ends.
    pub fn keeper(&self) -> i32 {
        self.keeper
    }

    /// Whether it has not ended yet.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn stands(&mut self) -> anyhow::Result<bool> {
        Ok(self.bwrap.try_wait().context("waitpid")?.is_none())
    }

    /// Ends bwrap itself.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn end(&mut self) -> anyhow::Result<()> {
        let _ = self.bwrap.kill();
        self.bwrap.wait().context("waitpid").map(drop)
    }
}

fn words(uid: Option<u32>, bin: &Path, info: i32) -> Command {
    let mut words: Vec<String> = uid.map_or(Vec::new(), |uid| become_uid(uid).to_vec());
    words.push("bwrap".into());
    words.extend(bare_root());
    let bin = bin.to_string_lossy().into_owned();
    words.extend(["--ro-bind".into(), bin, PROGRAMS.into()]);
    words.extend(["--mqueue", "/dev/mqueue", "--size", FILES, "--tmpfs", WORK].map(String::from));
    // What bwrap has made for the mounts can be written no more: it has no size.
    words.extend(["--remount-ro", "/dev", "--remount-ro", "/"].map(String::from));
    words.extend(["--info-fd".into(), info.to_string()]);
    // The keeper reads a pipe until the grader closes the other end, also by its death: bwrap's
    // --die-with-parent comes too late if the grader dies while bwrap starts.
    words.extend(["--", "/usr/bin/cat"].map(String::from));
    let mut command = Command::new(&words[0]);
    // Its init shows its environment to every program in the box.
    command
        .args(&words[1..])
        .env_clear()
        .env(
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        )
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// The pids of the box's init and of its keeper, once the box stands.
fn stands(info: OwnedFd) -> anyhow::Result<Option<(i32, i32)>> {
    // bwrap writes this when the box stands, or closes it when it fails.
    let mut text = Vec::new();
    let mut answer = BufReader::new(File::from(info));
    answer
        .read_until(b'}', &mut text)
        .context("read bwrap's answer")?;
    let Ok(Info { child_pid: init }) = serde_json::from_slice(&text) else {
        return Ok(None);
    };
    // The answer comes before the mounts are done: the box stands once its program runs there.
    // The kernel has no event for that, so this polls.
    let runs = || {
        let children = fs::read_to_string(format!("/proc/{init}/task/{init}/children"));
        let children = children.unwrap_or_default();
        let first = children.split(' ').next().unwrap_or("");
        let Ok(keeper) = first.parse() else {
            return Ok(None);
        };
        let name = fs::read_to_string(format!("/proc/{keeper}/comm")).unwrap_or_default();
        Ok((name.trim() == "cat").then_some((init, keeper)))
    };
    poll_until(Duration::from_secs(5), runs)
}

/// The part of bwrap's arguments that is the same for tests and for builds.
pub fn bare_root() -> Vec<String> {
    let mut words = Vec::new();
    let mut add = |more: &[&str]| words.extend(more.iter().map(|word| (*word).to_owned()));
    add(&[
        "--unshare-user",
        "--unshare-ipc",
        "--unshare-pid",
        "--unshare-net",
        "--unshare-uts",
    ]);
    add(&["--die-with-parent", "--new-session", "--clearenv"]);
    add(&["--ro-bind", "/usr", "/usr"]);
    for name in ["bin", "sbin", "lib", "lib64", "lib32"] {
        let path = format!("/{name}");
        // On most systems these are links into /usr.
        match fs::read_link(&path) {
            Ok(target) => add(&["--symlink", &target.to_string_lossy(), &path]),
            Err(_) if Path::new(&path).is_dir() => add(&["--ro-bind", &path, &path]),
            Err(_) => {}
        }
    }
    for path in ["/etc/alternatives", "/etc/ld.so.cache"] {
        add(&["--ro-bind-try", path, path]);
    }
    add(&["--proc", "/proc", "--tmpfs", "/dev"]);
    for device in ["null", "zero", "full", "urandom", "random"] {
        let path = format!("/dev/{device}");
        add(&["--dev-bind", &path, &path]);
    }
    add(&["--symlink", "/proc/self/fd", "/dev/fd"]);
    add(&["--size", SHARED_MEMORY, "--tmpfs", "/dev/shm"]);
    add(&["--size", FILES, "--tmpfs", "/tmp"]);
    words
}
