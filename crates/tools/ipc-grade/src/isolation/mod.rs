//! How a student's programs are kept apart from this machine, and from each other.
//!
//! Level 1 is a box of bubblewrap (bwrap(1)): its own IPC, pid, network, user and mount namespaces.
//! Level 2 is a uid that no user has, for root where namespaces are forbidden. Level 3 is
//! nothing, and has to be asked for.

mod sweep;
mod uid;

use std::fmt;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail, ensure};
use nix::fcntl::{Flock, FlockArg};

use crate::bench::{self, Bench};
use crate::boxed::{BoxArgs, Made, confines_files};
use crate::exercise::Project;

pub use sweep::{kill_all_of, sweep};
pub use uid::become_uid;

/// The level in force, and the uid of the programs.
#[derive(Debug, Clone)]
pub struct Isolation {
    level: u8,
    uid: Option<u32>,
}

impl fmt::Display for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.level {
            1 if confines_files() => {
                "level 1: bubblewrap, private IPC, pid, network, user and mount namespaces"
            }
            1 => {
                "level 1: bubblewrap, private IPC, pid, network, user and mount namespaces, \
                 without landlock"
            }
            2 if confines_files() => "level 2: an unused uid, landlock, seccomp, limits",
            2 => {
                "level 2: an unused uid, seccomp, limits; not for marks that count, \
                 because this kernel has no landlock"
            }
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
        let uid = uid::unused()?;
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

    /// At level 2 one submission at a time is graded on a machine: two would share its System V objects
    /// and its network. So it is where an ordinary user grades: the kernel counts processes, queues and the
    /// pages of pipes for each user. This waits for the other one; keep what it returns as long as programs run.
    ///
    /// # Errors
    /// When the lock cannot be made.
    pub fn turn(&self) -> anyhow::Result<Option<Flock<File>>> {
        if self.level == 1 && self.uid.is_some() {
            return Ok(None);
        }
        let shelf = Project::find()?.0.join("target/ipc-grade");
        fs::create_dir_all(&shelf).with_context(|| format!("mkdir {}", shelf.display()))?;
        let path = shelf.join("turn.lock");
        let file = uid::private(&path).with_context(|| format!("create {}", path.display()))?;
        let lock = Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| errno);
        lock.map(Some)
            .with_context(|| format!("flock {}", path.display()))
    }

    /// After a test: at level 2 nothing of the submission stays, also if its box was killed. This directory does.
    ///
    /// # Errors
    /// As [`sweep`].
    pub fn clean(&self, spared: &Path) -> anyhow::Result<()> {
        match self.uid {
            Some(uid) if self.level == 2 => sweep(uid, &[spared]),
            _ => Ok(()),
        }
    }

    /// Refuses a folder that a submission could read.
    ///
    /// # Errors
    /// When no mount namespace hides it and its mode does not either.
    pub fn check_hidden(&self, folder: &Path) -> anyhow::Result<()> {
        let metadata =
            fs::metadata(folder).with_context(|| format!("stat {}", folder.display()))?;
        let open = metadata.permissions().mode() & 0o077 != 0;
        ensure!(
            self.level == 1 || !open,
            "{} can be read by submissions: chmod -R go= {0}",
            folder.display()
        );
        Ok(())
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
        let mut made = Made::new(&BoxArgs {
            level: self.level,
            uid: self.uid,
            dir: inside.path().to_owned(),
            bin: inside.path().to_owned(),
            processes: 64,
        })?;
        // Neither by its path nor on the way up from the working directory.
        let script = r#"if ls "$1" 2> /dev/null || ls "../../$1" 2> /dev/null; then
               echo "$1 can be read: chmod -R go= '$1'" >&2
               exit 1
             fi
             exec cat /proc/sysvipc/msg"#;
        let enter = made.enter()?;
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
