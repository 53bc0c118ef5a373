//! How a student's programs are kept apart from this machine, and from each other.
//!
//! Level 1 is a box of bubblewrap (bwrap(1)): its own IPC, pid, network, user and mount namespaces.
//! Level 2 is a uid that nobody else has, for root where namespaces are forbidden. Level 3 is
//! nothing, and has to be asked for.

use std::fmt;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, stdin};
use std::ops::Range;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use lesson::{poll_until, say};
use nix::fcntl::{Flock, FlockArg, OFlag};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid, User, pipe2};

use crate::bench::{self, Bench};
use crate::exercise::Project;

/// What a program in a box may use at most, beside a number of processes: see prlimit(1). Bytes of
/// address space, of a file, descriptors, seconds of processor time.
const LIMITS: [&str; 5] = [
    "--as=1073741824",
    "--fsize=67108864",
    "--nofile=1024",
    "--cpu=60",
    "--core=0",
];

/// The level in force, and the uid of the programs.
#[derive(Debug, Clone)]
pub struct Isolation {
    level: u8,
    uid: Option<u32>,
}

impl fmt::Display for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.level {
            1 => "level 1: bubblewrap, private IPC, pid, network, user and mount namespaces",
            2 => "level 2: an unused uid, no_new_privs, limits",
            _ => "level 3: no isolation",
        })?;
        match self.uid {
            Some(uid) => write!(f, ", uid {uid}"),
            None => Ok(()),
        }
    }
}

impl Isolation {
    /// The best level that this machine allows, found by trying; or exactly the one asked for.
    ///
    /// # Errors
    /// When that level cannot be had, or only level 3 and nobody has said that this will do.
    pub fn choose(level: Option<u8>, trusted: bool) -> anyhow::Result<Self> {
        let uid = match Uid::effective().is_root() && is_mapped(UIDS)? {
            true => Some(unused_uid()?),
            false => None,
        };
        let levels = level.map_or(vec![1, 2], |level| vec![level]);
        let mut reasons = Vec::new();
        for level in levels.into_iter().filter(|level| *level < 3) {
            let isolation = Self { level, uid };
            match isolation.canary() {
                Ok(()) => return Ok(isolation),
                Err(error) => reasons.push(format!("level {level}: {error:#}")),
            }
        }
        if trusted && level.is_none_or(|level| level == 3) {
            return Ok(Self {
                level: 3,
                uid: None,
            });
        }
        bail!(
            "no isolation is possible here ({}): install bubblewrap (sudo apt-get install \
             bubblewrap), or say --trust-submissions if you know what is in them",
            reasons.join("; ")
        )
    }

    /// Whether the submission is kept from the machine.
    pub fn is_safe(&self) -> bool {
        self.level < 3
    }

    /// The level's number.
    pub fn level(&self) -> u8 {
        self.level
    }

    /// The uid that programs and builds get, if it is not our own.
    pub fn uid(&self) -> Option<u32> {
        self.uid
    }

    /// The command that tests/exercise.bash runs for a box, a word a line; none at level 3.
    ///
    /// # Errors
    /// When the path of this program cannot be told.
    pub fn box_command(&self) -> anyhow::Result<Option<String>> {
        if self.level == 3 {
            return Ok(None);
        }
        let program = std::env::current_exe().context("the path of this program")?;
        let uid = (self.uid).map_or(String::new(), |uid| format!("\n--uid\n{uid}"));
        Ok(Some(format!(
            "{}\nbox\n--level\n{}{uid}",
            program.display(),
            self.level
        )))
    }

    /// Runs a program in a box that must not see a file outside it.
    fn canary(&self) -> anyhow::Result<()> {
        let inside = Bench::new()?;
        // What a submission must not see above all: the reference solutions and the tests.
        let secret = Project::find()?.0.join("tests");
        ensure!(secret.is_dir(), "{} is missing", secret.display());
        let mut made = Made::new(self.level, self.uid, inside.path(), inside.path())?;
        // Neither by its path nor on the way up from the working directory.
        let script = r#"if ls "$1" 2> /dev/null || ls "../../$1" 2> /dev/null; then
               echo "$1 can be read: chmod -R go= '$1'" >&2
               exit 1
             fi
             exec cat /proc/sysvipc/msg"#;
        let enter = made.enter(inside.path(), 64);
        let mut command = Command::new(&enter[0]);
        command.args(&enter[1..]).args(["sh", "-c", script, "sh"]);
        command.arg(secret);
        let output = bench::output(&mut command).with_context(|| format!("run {}", enter[0]))?;
        made.end()?;
        ensure!(
            output.status.success(),
            "the canary: {}",
            String::from_utf8_lossy(&output.stderr)
                .trim()
                .replace('\n', "; ")
        );
        Ok(())
    }
}

/// Where it looks for a uid that no user has.
const UIDS: Range<u32> = 61_000..65_000;

/// Whether this process's user namespace has these users. That of an ordinary user, who is root in it, as a
/// rule has no other one. See user_namespaces(7).
fn is_mapped(uids: Range<u32>) -> anyhow::Result<bool> {
    let path = "/proc/self/uid_map";
    let map = fs::read_to_string(path).with_context(|| format!("read {path}"))?;
    // Each line: the first uid here, the one that it is outside, how many.
    Ok(map.lines().any(|line| {
        let numbers: Vec<u64> = (line.split_whitespace())
            .filter_map(|it| it.parse().ok())
            .collect();
        matches!(numbers[..], [first, _, count]
            if first <= uids.start.into() && u64::from(uids.end) <= first + count)
    }))
}

/// A uid that no user has and no process runs under; another one for each grader that runs now.
fn unused_uid() -> anyhow::Result<u32> {
    let first = UIDS.start + std::process::id() % 3_000;
    let is_free = |uid: &u32| {
        let named = User::from_uid(Uid::from_raw(*uid));
        matches!(named, Ok(None)) && processes_of(*uid).is_empty()
    };
    // Two graders must never have the same: each locks a file for its own until it ends.
    let shelf = Project::find()?.0.join("target/ipc-grade/uids");
    fs::create_dir_all(&shelf).with_context(|| format!("mkdir {}", shelf.display()))?;
    for uid in (first..UIDS.end).filter(is_free) {
        let file = shelf.join(uid.to_string());
        let file = File::create(&file).with_context(|| format!("create {}", file.display()))?;
        if let Ok(lock) = Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            std::mem::forget(lock);
            return Ok(uid);
        }
    }
    bail!("no unused uid below {}", UIDS.end)
}

/// The processes that run under that uid.
fn processes_of(uid: u32) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let of_uid = entries.filter(|it| it.metadata().is_ok_and(|it| it.uid() == uid));
    let pids = of_uid.filter_map(|it| it.file_name().to_string_lossy().parse().ok());
    let is_alive = |pid: &i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        !stat
            .rsplit_once(") ")
            .is_some_and(|(_, rest)| rest.starts_with('Z'))
    };
    pids.filter(is_alive).map(Pid::from_raw).collect()
}

/// Arguments of the hidden command `box`.
#[derive(clap::Args)]
pub struct BoxArgs {
    /// The level of isolation
    #[arg(long)]
    level: u8,
    /// The uid of the programs
    #[arg(long)]
    uid: Option<u32>,
    /// The test's folder: the only one that can be written
    #[arg(long)]
    dir: PathBuf,
    /// The folder of the programs under test
    #[arg(long)]
    bin: PathBuf,
    /// How many processes and threads may run in it
    #[arg(long, value_name = "N", default_value_t = 64)]
    processes: u16,
}

/// Makes a box, prints the words of the command that enters it, one a line, and an empty line; ends
/// it, and all that is in it, when standard input ends.
///
/// # Errors
/// When the box cannot be made.
pub fn make_box(args: &BoxArgs) -> anyhow::Result<()> {
    let mut made = Made::new(args.level, args.uid, &args.dir, &args.bin)?;
    for word in made.enter(&args.dir, args.processes) {
        say!("{word}");
    }
    say!("");
    // The test holds the other end of this pipe open as long as it lives.
    let mut nothing = Vec::new();
    stdin().read_to_end(&mut nothing).context("read stdin")?;
    let stands = made.stands()?;
    made.end()?;
    ensure!(stands, "it ended before its test");
    Ok(())
}

/// A box that stands.
struct Made {
    level: u8,
    uid: Option<u32>,
    /// bwrap and the pid of the box's init, at level 1.
    bwrap: Option<(Child, u32)>,
}

impl Made {
    fn new(level: u8, uid: Option<u32>, dir: &Path, bin: &Path) -> anyhow::Result<Self> {
        if let Some(uid) = uid {
            chown(dir, Some(uid), Some(uid)).with_context(|| format!("chown {}", dir.display()))?;
        }
        let bwrap = match level {
            1 => Some(bubblewrap(uid, dir, bin)?),
            2 => {
                ensure!(uid.is_some(), "another uid can be had by root alone");
                None
            }
            _ => bail!("level {level} has no box"),
        };
        Ok(Self { level, uid, bwrap })
    }

    /// The words in front of a command that is to run in the box, with so many processes and threads
    /// at most.
    fn enter(&self, dir: &Path, processes: u16) -> Vec<String> {
        let dir = dir.display();
        let mut words: Vec<String> = Vec::new();
        if let Some(uid) = self.uid {
            words.extend(become_uid(uid));
        }
        if let Some((_, init)) = &self.bwrap {
            // Whoever owns the user namespace may enter it, and all that belong to it.
            let target = format!("--target={init}");
            words.extend([
                "nsenter".into(),
                target,
                "--user".into(),
                "--preserve-credentials".into(),
            ]);
            words.extend(["--mount", "--ipc", "--net", "--pid", "--uts"].map(String::from));
        }
        // A session of its own: kill(0) reaches nobody else then, and with autogroups (sched(7)) a
        // hundred busy processes get no more of the processor than the one that watches them.
        words.push("setsid".into());
        // Entering gives all capabilities over the namespaces: they go before the program comes.
        words.extend(
            [
                "setpriv",
                "--no-new-privs",
                "--bounding-set=-all",
                "--inh-caps=-all",
            ]
            .map(String::from),
        );
        words.extend(["prlimit".into(), format!("--nproc={processes}")]);
        words.extend(LIMITS.map(String::from));
        // Only now into the test's folder: nsenter --wd would bring a folder of the outside along,
        // and with it the way up from there.
        words.extend(["env".into(), "-i".into(), format!("--chdir={dir}")]);
        words.push("PATH=/usr/local/bin:/usr/bin:/bin".into());
        words.extend([format!("HOME={dir}"), format!("IPC_LAB_TEST={dir}")]);
        // malloc(3) reserves up to 64 MiB of address space for each of many threads otherwise.
        words.push("MALLOC_ARENA_MAX=2".into());
        words
    }

    /// Whether nobody has ended it yet, from outside or from within.
    fn stands(&mut self) -> anyhow::Result<bool> {
        match &mut self.bwrap {
            Some((bwrap, _)) => Ok(bwrap.try_wait().context("waitpid")?.is_none()),
            None => Ok(true),
        }
    }

    /// Ends every process in the box and removes what they made.
    fn end(&mut self) -> anyhow::Result<()> {
        if let Some((mut bwrap, init)) = self.bwrap.take() {
            // The pid namespace goes with its init, and with it every process in it.
            let _ = kill(Pid::from_raw(init as i32), Signal::SIGKILL);
            // It is not our child: no event tells that it has gone, so this polls.
            let gone = || Ok((!Path::new(&format!("/proc/{init}")).exists()).then_some(()));
            let gone = poll_until(Duration::from_secs(10), gone)?;
            let _ = bwrap.kill();
            bwrap.wait().context("waitpid")?;
            ensure!(
                gone.is_some(),
                "the box's init, process {init}, survives SIGKILL"
            );
        }
        match self.uid {
            Some(uid) if self.level == 2 => sweep(uid),
            _ => Ok(()),
        }
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

/// setpriv(1) to an uid that owns nothing.
pub fn become_uid(uid: u32) -> [String; 4] {
    [
        "setpriv".into(),
        format!("--reuid={uid}"),
        format!("--regid={uid}"),
        "--clear-groups".into(),
    ]
}

/// The part of bwrap's arguments that is the same for tests and for builds.
pub fn bare_root() -> Vec<String> {
    let mut words = Vec::new();
    let mut add = |more: &[&str]| words.extend(more.iter().map(|it| (*it).to_owned()));
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
    add(&[
        "--size",
        "67108864",
        "--tmpfs",
        "/dev/shm",
        "--size",
        "268435456",
        "--tmpfs",
        "/tmp",
    ]);
    words
}

/// Starts a box that does nothing; returns the pid of its init.
fn bubblewrap(uid: Option<u32>, dir: &Path, bin: &Path) -> anyhow::Result<(Child, u32)> {
    // Close-on-exec: of all that this process starts, only bwrap gets the write end.
    let (info, to_us): (OwnedFd, OwnedFd) = pipe2(OFlag::O_CLOEXEC).context("pipe2")?;
    let mut words: Vec<String> = uid.map_or(Vec::new(), |uid| become_uid(uid).to_vec());
    words.push("bwrap".into());
    words.extend(bare_root());
    words.extend(["--mqueue".into(), "/dev/mqueue".into()]);
    for (kind, path) in [("--ro-bind", bin), ("--bind", dir)] {
        let path = path.to_string_lossy().into_owned();
        words.extend([kind.into(), path.clone(), path]);
    }
    let raw = to_us.as_raw_fd();
    words.extend(["--info-fd".into(), raw.to_string()]);
    // It reads a pipe until the grader closes the other end, also by its death: bwrap's
    // --die-with-parent comes too late if that dies while bwrap starts.
    words.extend(["--", "cat"].map(String::from));
    let mut command = Command::new(&words[0]);
    // Its init shows its environment to every program in the box.
    command
        .args(&words[1..])
        .env_clear()
        .env(
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    // SAFETY: fcntl is on the list of signal-safety(7), and `raw` stays open until spawn returns.
    unsafe {
        command.pre_exec(move || match libc::fcntl(raw, libc::F_SETFD, 0) {
            -1 => Err(std::io::Error::last_os_error()),
            _ => Ok(()),
        });
    }
    let mut child = bench::spawn(&mut command).with_context(|| format!("run {}", words[0]))?;
    drop(to_us);
    // bwrap writes this when the box stands, or closes it when it fails.
    let mut answer = BufReader::new(File::from(info));
    let mut text = Vec::new();
    answer
        .read_until(b'}', &mut text)
        .context("read bwrap's answer")?;
    let text = String::from_utf8_lossy(&text);
    let init = text.split("\"child-pid\":").nth(1).and_then(|rest| {
        let digits: String = rest
            .trim_start()
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        digits.parse().ok()
    });
    let Some(init) = init else {
        drop(child.stdin.take()); // Should `cat` run all the same, then this ends it.
        let mut why = String::new();
        if let Some(mut stderr) = child.stderr.take() {
            let _ = stderr.read_to_string(&mut why);
        }
        let _ = child.wait();
        bail!("bwrap: {}", why.trim());
    };
    // The answer comes before the mounts are done: the box stands once its program runs there.
    // The kernel has no event for that, so this polls.
    let runs = || {
        let children = fs::read_to_string(format!("/proc/{init}/task/{init}/children"));
        let first = children.unwrap_or_default();
        let first = first.split(' ').next().unwrap_or("").to_owned();
        let name = fs::read_to_string(format!("/proc/{first}/comm")).unwrap_or_default();
        Ok((name.trim() == "cat").then_some(()))
    };
    if poll_until(Duration::from_secs(5), runs)?.is_none() {
        let _ = child.kill();
        let mut why = String::new();
        if let Some(mut stderr) = child.stderr.take() {
            let _ = stderr.read_to_string(&mut why);
        }
        let _ = child.wait();
        bail!("bwrap: {}", why.trim());
    }
    Ok((child, init))
}

/// Kills every process of that uid and removes the objects and files that it owns.
fn sweep(uid: u32) -> anyhow::Result<()> {
    // A fork bomb makes new ones as fast as they are killed one by one. kill(2) with -1 takes all
    // at once that the caller may signal: so the caller becomes that uid.
    let [setpriv, options @ ..] = become_uid(uid);
    let swept = poll_until(Duration::from_secs(10), || {
        if processes_of(uid).is_empty() {
            return Ok(Some(()));
        }
        let kill_all = ["sh", "-c", "kill -s KILL -- -1"];
        let done = Command::new(&setpriv)
            .args(&options)
            .args(kill_all)
            .status();
        done.context("run setpriv")?;
        Ok(None)
    })?;
    ensure!(swept.is_some(), "processes of uid {uid} survive SIGKILL");
    for (table, option) in [("msg", "-q"), ("shm", "-m"), ("sem", "-s")] {
        let path = format!("/proc/sysvipc/{table}");
        let text = fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
        let mut lines = text.lines();
        let heading: Vec<_> = lines.next().unwrap_or("").split_whitespace().collect();
        // Who owns it, and who made it: the owner can give it away (IPC_SET).
        let is_owner = |column: &usize| ["uid", "cuid"].contains(&heading[*column]);
        let columns: Vec<_> = (0..heading.len()).filter(is_owner).collect();
        ensure!(columns.len() == 2, "no columns uid and cuid in {path}");
        for line in lines {
            let fields: Vec<_> = line.split_whitespace().collect();
            let is_theirs = |it: &usize| fields.get(*it) == Some(&uid.to_string().as_str());
            if columns.iter().any(is_theirs) {
                let removed = Command::new("ipcrm").args([option, fields[1]]).status();
                removed.with_context(|| format!("run ipcrm {option} {}", fields[1]))?;
            }
        }
    }
    for folder in ["/dev/shm", "/dev/mqueue", "/tmp", "/var/tmp"] {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry
                .metadata()
                .is_ok_and(|it| it.uid() == uid && !it.is_dir())
            {
                let _ = fs::remove_file(entry.path());
            } else if entry.metadata().is_ok_and(|it| it.uid() == uid) && !is_ours(&entry.path()) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
    Ok(())
}

/// The folder of a test or of a build, which belongs to that uid but not to the student.
fn is_ours(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("ipc-lab.") || name.starts_with("ipc-grade.")
}
