//! Into a box: the launcher of a student's programs, and that of our own programs at the other end.

use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use nix::fcntl::{OFlag, open};
use nix::sched::CloneFlags;
use nix::sys::signal::{SigHandler, SigSet, Signal, raise, signal};
use nix::sys::stat::Mode;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, chdir, fexecve, fork, setsid};

use super::place::{Place, close_inherited, hide};
use super::{filter, input, memory, rights};

/// Where programs are looked for, in a box and beside it.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Arguments of the hidden command `enter`.
#[derive(clap::Args)]
pub struct EnterArgs {
    #[command(flatten)]
    place: Place,
    /// How many processes and threads may run in the box
    #[arg(long, value_name = "N", default_value_t = 64)]
    processes: u16,
    /// The control group that bounds the box's memory
    #[arg(long, value_name = "DIRECTORY")]
    memory: Option<PathBuf>,
    /// The directory of the programs under test, where nothing hides the machine's files
    #[arg(long, value_name = "DIRECTORY")]
    programs: Option<PathBuf>,
    /// A signal that the program is to ignore from the beginning
    #[arg(long, value_name = "SIGNAL")]
    ignore: Option<Signal>,
    /// The program and its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// Arguments of the hidden command `observe`.
#[derive(clap::Args)]
pub struct ObserveArgs {
    #[command(flatten)]
    place: Place,
    /// See the box's files alone: a link that a program of it has made leads to nothing else
    #[arg(long)]
    mounts: bool,
    /// The program and its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// Arguments of the hidden command `confine`.
#[derive(clap::Args)]
pub struct ConfineArgs {
    /// The uid of the build
    #[arg(long)]
    uid: u32,
    /// What it may read, beside the machine's programs and libraries
    #[arg(long, value_name = "PATH")]
    read: Vec<PathBuf>,
    /// What it may write
    #[arg(long, value_name = "PATH")]
    write: Vec<PathBuf>,
    /// The program and its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// Is a build under another uid, where no mount namespace hides files: it reads and writes what it needs.
///
/// # Errors
/// When a step towards it fails. The program has not run then.
pub fn confine(args: &ConfineArgs) -> anyhow::Result<()> {
    close_inherited()?;
    let place = Place {
        level: 2,
        uid: Some(args.uid),
        init: None,
        keeper: None,
        dir: "/".into(),
    };
    place.become_student()?;
    let read: Vec<_> = args.read.iter().map(PathBuf::as_path).collect();
    let write: Vec<_> = args.write.iter().map(PathBuf::as_path).collect();
    rights::confine_files(&read, &write)?;
    rights::drop_capabilities()?;
    filter::apply()?;
    let name = args.command.first().context("no program")?;
    let mut program = Command::new(name);
    Err(program.args(&args.command[1..]).exec())
        .with_context(|| format!("exec {}", Path::new(name).display()))
}

/// Runs a program in the box, as a student's; ends as that ends.
///
/// From its first line on this process has nothing that a program of the box could take: no descriptor
/// but the standard streams, nobody may look at it, and what it hands on is an environment of its own.
///
/// # Errors
/// When the box has ended, or a step towards it fails. The program has not run then.
pub fn enter(args: &EnterArgs) -> anyhow::Result<()> {
    close_inherited()?;
    hide()?;
    input::seal()?;
    if let Some(group) = &args.memory {
        memory::join(group)?;
    }
    args.place.become_student()?;
    args.place.join(
        CloneFlags::CLONE_NEWUSER
            | CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWIPC
            | CloneFlags::CLONE_NEWNET
            | CloneFlags::CLONE_NEWUTS
            | CloneFlags::CLONE_NEWPID,
    )?;
    // Only a child is in the pid namespace.
    // SAFETY: this process has one thread, so the child may do whatever this process may.
    match unsafe { fork() }.context("fork")? {
        ForkResult::Parent { child } => end_as(child),
        ForkResult::Child => Err(become_program(args)
            .err()
            .unwrap_or_else(|| anyhow::anyhow!("exec has returned"))),
    }
}

/// Gives everything up, then is the program.
fn become_program(args: &EnterArgs) -> anyhow::Result<()> {
    // A session of its own: kill(0) reaches no other program then, and with autogroups (sched(7)) a
    // hundred busy processes get no more of the CPU than the one that watches them.
    setsid().context("setsid")?;
    let work = &args.place.dir;
    chdir(work).with_context(|| format!("chdir {}", work.display()))?;
    if let Some(number) = args.ignore {
        // SAFETY: SIG_IGN runs no code of ours.
        unsafe { signal(number, SigHandler::SigIgn) }.context("signal")?;
    }
    rights::confine(args.place.level, args.programs.as_deref(), work)?;
    rights::limit(Some(args.processes))?;
    rights::drop_capabilities()?;
    filter::apply()?;
    let name = args.command.first().context("no program")?;
    let mut program = Command::new(name);
    program.args(&args.command[1..]).env_clear();
    program
        .env("PATH", PATH)
        .env("HOME", work)
        .env(
            "TMPDIR",
            if args.place.level == 1 {
                Path::new("/tmp")
            } else {
                work
            },
        )
        // malloc(3) reserves up to 64 MiB of address space for each of many threads otherwise.
        .env("MALLOC_ARENA_MAX", "2");
    Err(program.exec()).with_context(|| format!("exec {}", Path::new(name).display()))
}

/// Waits for the program, then ends with its status or of its signal.
fn end_as(child: Pid) -> anyhow::Result<()> {
    loop {
        match waitpid(child, None) {
            Err(nix::errno::Errno::EINTR) => {}
            Ok(WaitStatus::Exited(_, status)) => std::process::exit(status),
            Ok(WaitStatus::Signaled(_, number, _)) => {
                let _ =
                    nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_CORE, 0, 0);
                // SAFETY: SIG_DFL runs no code of ours.
                let _ = unsafe { signal(number, SigHandler::SigDfl) };
                let _ = SigSet::from(number).thread_unblock();
                let _ = raise(number);
                std::process::exit(128 + number as i32);
            }
            status => {
                status.context("waitpid")?;
            }
        }
    }
}

/// Runs one of our own programs, or one of the machine's, at the other end: outside the box, with its
/// network and its IPC objects, in the test's directory, under the programs' uid and with no rights.
///
/// # Errors
/// When the box has ended, or there is no such program.
pub fn observe(args: &ObserveArgs) -> anyhow::Result<()> {
    close_inherited()?;
    hide()?;
    let seen = args.place.seen();
    chdir(&seen).with_context(|| format!("chdir {}", seen.display()))?;
    let name = args.command.first().context("no program")?;
    // The way to it may be closed to that uid.
    let path = find(name)?;
    let program = open(&path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())
        .with_context(|| format!("open {}", path.display()))?;
    args.place.become_student()?;
    let mut which = CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWIPC | CloneFlags::CLONE_NEWNET;
    which.set(CloneFlags::CLONE_NEWNS, args.mounts);
    args.place.join(which)?;
    if args.mounts {
        let work = &args.place.dir;
        chdir(work).with_context(|| format!("chdir {}", work.display()))?;
    }
    // What a program sends it must not fill the judge's disk.
    rights::limit(None)?;
    rights::drop_capabilities()?;
    // Rust ignores it, and exec passes that on.
    // SAFETY: SIG_DFL runs no code of ours.
    unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) }.context("signal")?;
    let words = args.command.iter().map(|word| c_string(word));
    let words = words.collect::<anyhow::Result<Vec<_>>>()?;
    let environment = [
        c_string(OsStr::new(&format!("PATH={PATH}")))?,
        c"LC_ALL=C.UTF-8".to_owned(),
    ];
    let Err(errno) = fexecve(&program, &words, &environment);
    Err(errno).with_context(|| format!("exec {}", path.display()))
}

fn c_string(word: &OsStr) -> anyhow::Result<CString> {
    CString::new(word.as_bytes()).context("a NUL in an argument")
}

fn find(name: &OsStr) -> anyhow::Result<PathBuf> {
    if name.as_bytes().contains(&b'/') {
        return Ok(name.into());
    }
    let mut places = PATH
        .split(':')
        .map(|directory| Path::new(directory).join(name));
    let found = places.find(|path| path.is_file());
    found.with_context(|| format!("there is no program {}", Path::new(name).display()))
}
