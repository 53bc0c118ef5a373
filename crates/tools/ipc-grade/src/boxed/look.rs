//! What a test wants to know of a box, seen from outside. Nothing here runs under a name or in a place
//! that a student's program can reach.

use std::fs::{self, File};
use std::io::{Read, Write, stdout};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use ipc_proc::{Namespace, Process, printable};
use lesson::say;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat2};
use nix::sched::CloneFlags;
use nix::sys::stat::Mode;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Uid, fork};

use super::place::{Place, close_inherited, hide};

/// Arguments of the hidden command `look`.
#[derive(clap::Args)]
pub struct LookArgs {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// List the IPC objects that outlive a process, one a line
    Objects,
    /// List the processes of the programs under test, without zombies: a pid a line
    Processes,
    /// List the pids of those whose command line has this word
    Running {
        /// The word
        word: String,
    },
    /// Print a regular file of the test's directory; no symbolic link is followed
    Read {
        /// Another directory of the box: /dev/shm or /dev/mqueue
        #[arg(long = "in", value_name = "DIRECTORY")]
        directory: Option<String>,
        /// Its path in that directory
        path: PathBuf,
    },
    /// Print a file of /proc/sys or /proc/net as a program of the box finds it
    Kernel {
        /// Its path below /proc, such as sys/kernel/msgmnb or net/tcp
        path: PathBuf,
    },
    /// Give the next process in the box this pid: see pid_namespaces(7)
    NextPid {
        /// The pid
        pid: u32,
    },
}

/// How much of a file is read, in bytes.
const LARGEST: u64 = 64 << 20;

/// Looks, and prints what it has found.
///
/// # Errors
/// When the box has ended, or what is asked for is not there.
pub fn look(args: &LookArgs) -> anyhow::Result<()> {
    close_inherited()?;
    hide()?;
    let place = &args.place;
    match &args.what {
        What::Objects => objects(place)?.iter().for_each(|line| say!("{line}")),
        What::Processes => {
            for process in processes(place)? {
                say!("{}", process.pid);
            }
        }
        What::Running { word } => {
            for process in processes(place)? {
                if ipc_proc::command_line(process.pid).contains(word) {
                    say!("{}", process.pid);
                }
            }
        }
        What::Read { directory, path } => {
            let directory = directory.as_ref().map(|directory| place.outside(directory));
            lesson::print(&read(&directory.unwrap_or(place.seen()), path)?);
        }
        What::Kernel { path } => kernel(place, path)?,
        What::NextPid { pid } => next_pid(place, *pid)?,
    }
    Ok(())
}

/// At level 2 only those of the programs' uid: the tables are the whole machine's.
fn objects(place: &Place) -> anyhow::Result<Vec<String>> {
    let is_theirs = |uid: u32| place.level != 2 || place.uid == Some(uid);
    let mut lines = Vec::new();
    for directory in ["/dev/mqueue", "/dev/shm"] {
        let outside = place.outside(directory);
        for name in ipc_proc::names_in(&outside)? {
            use std::os::unix::ffi::OsStrExt;
            let path = outside.join(std::ffi::OsStr::from_bytes(&name));
            let owner = fs::symlink_metadata(&path).map(|file| file.uid());
            if owner.is_ok_and(is_theirs) {
                lines.push(format!("{directory}/{}", printable(&name)));
            }
        }
    }
    join_ipc(place)?;
    for object in ipc_proc::system_v()? {
        if is_theirs(object.owner) || is_theirs(object.creator) {
            lines.push(object.to_string());
        }
    }
    Ok(lines)
}

/// This process's /proc/sysvipc and /proc/sys/kernel are then the box's. It stays in its own pid
/// namespace, where no program of the box can see it.
fn join_ipc(place: &Place) -> anyhow::Result<()> {
    place.join(with_rights(CloneFlags::CLONE_NEWIPC))
}

/// root has rights over the namespaces that others have made. An ordinary user has them as the owner of
/// the box's user namespace, and joins that.
fn with_rights(which: CloneFlags) -> CloneFlags {
    match Uid::effective().is_root() {
        true => which,
        false => which | CloneFlags::CLONE_NEWUSER,
    }
}

fn processes(place: &Place) -> anyhow::Result<Vec<Process>> {
    match (place.init, place.uid) {
        (Some(init), _) => {
            let namespace = Namespace::of_pids(init).context("the box has ended")?;
            let mut found = namespace.processes()?;
            found.retain(|process| process.pid != init && Some(process.pid) != place.keeper);
            Ok(found)
        }
        (None, Some(uid)) => {
            let mut found = ipc_proc::processes()?;
            found.retain(|process| process.uid == uid && !process.is_zombie);
            Ok(found)
        }
        (None, None) => Ok(Vec::new()),
    }
}

fn read(seen: &Path, path: &Path) -> anyhow::Result<Vec<u8>> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let directory =
        open(seen, flags, Mode::empty()).with_context(|| format!("open {}", seen.display()))?;
    let how = OpenHow::new()
        .flags(OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC)
        .resolve(
            ResolveFlag::RESOLVE_BENEATH
                | ResolveFlag::RESOLVE_NO_SYMLINKS
                | ResolveFlag::RESOLVE_NO_XDEV,
        );
    let shown = printable(path.as_os_str().as_encoded_bytes());
    let file = openat2(&directory, path, how).with_context(|| format!("open {shown}"))?;
    let file = File::from(file);
    let metadata = file.metadata().with_context(|| format!("fstat {shown}"))?;
    ensure!(metadata.is_file(), "{shown} is no regular file");
    let mut bytes = Vec::new();
    let mut file = file.take(LARGEST);
    file.read_to_end(&mut bytes)
        .with_context(|| format!("read {shown}"))?;
    Ok(bytes)
}

fn kernel(place: &Place, path: &Path) -> anyhow::Result<()> {
    let is_plain = path
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_)));
    ensure!(is_plain, "a path below /proc, without ..");
    let file = match (path.strip_prefix("net"), place.init) {
        // The network namespace is that of the process that the path names.
        (Ok(table), Some(init)) => Path::new(&format!("/proc/{init}/net")).join(table),
        _ => {
            // The limits of queues are those of the reader's IPC namespace, but those of sockets of its
            // network namespace.
            place.join(with_rights(
                CloneFlags::CLONE_NEWIPC | CloneFlags::CLONE_NEWNET,
            ))?;
            Path::new("/proc").join(path)
        }
    };
    let text = fs::read(&file).with_context(|| format!("read {}", file.display()))?;
    stdout().write_all(&text).context("write stdout")
}

/// The file speaks of the pid namespace of the process that writes it, so a child of ours is there for
/// that one write: with no descriptors, and so that nobody may look at it.
fn next_pid(place: &Place, pid: u32) -> anyhow::Result<()> {
    ensure!(place.init.is_some(), "there are no pids of its own here");
    place.join(with_rights(CloneFlags::CLONE_NEWPID))?;
    let last = pid.saturating_sub(1).to_string();
    // SAFETY: this process has one thread, so the child may do whatever this process may.
    match unsafe { fork() }.context("fork")? {
        ForkResult::Parent { child } => {
            let status = waitpid(child, None).context("waitpid")?;
            ensure!(
                matches!(status, WaitStatus::Exited(_, 0)),
                "the next pid cannot be chosen here"
            );
            Ok(())
        }
        ForkResult::Child => {
            let done = fs::write("/proc/sys/kernel/ns_last_pid", last);
            std::process::exit(i32::from(done.is_err()));
        }
    }
}
