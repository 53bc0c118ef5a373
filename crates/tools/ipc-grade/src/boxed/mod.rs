//! A box for one test: made, entered, looked into from outside, and ended with all that is in it.
//!
//! What looks stays outside: no process of the judge's lives in a box's pid namespace. What enters has
//! given up all that a student's program could take from it: see [`enter`].

mod bubblewrap;
mod enter;
mod filter;
mod input;
mod look;
mod memory;
mod place;
mod rights;

use std::io::{Read, stdin};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use lesson::{poll_until, say};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::isolation;
use bubblewrap::Bubblewrap;
use memory::Memory;

pub use bubblewrap::bare_root;
pub use enter::{ConfineArgs, EnterArgs, ObserveArgs, confine, enter, observe};
pub use look::{LookArgs, look};
pub use place::{Place, close_inherited};
pub use rights::confines_files;

/// Where a test's directory is in a box of level 1: a file system of its own, of a bounded size.
pub const WORK: &str = "/work";
/// Where the programs under test are there.
pub const PROGRAMS: &str = "/programs";

/// Arguments of the hidden command `box`.
#[derive(clap::Args)]
pub struct BoxArgs {
    /// The level of isolation
    #[arg(long)]
    pub level: u8,
    /// The uid of the programs
    #[arg(long)]
    pub uid: Option<u32>,
    /// The test's directory: the only one that can be written (at level 1 the box has its own)
    #[arg(long)]
    pub dir: PathBuf,
    /// The directory of the programs under test
    #[arg(long)]
    pub bin: PathBuf,
    /// How many processes and threads may run in it
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub processes: u16,
}

/// Makes a box, says how to use it, and ends it, and all that is in it, when standard input ends.
///
/// It prints `KEY VALUE` lines and an empty one: `dir` (the test's directory as the judge sees it),
/// `programs` (where the programs under test are, as they see it), and the words of three commands,
/// `enter`, `observe` and `look`.
///
/// # Errors
/// When the box cannot be made.
pub fn make_box(args: &BoxArgs) -> anyhow::Result<()> {
    let mut made = Made::new(args)?;
    say!("dir {}", made.place.seen().display());
    let programs = match args.level {
        1 => Path::new(PROGRAMS),
        _ => &args.bin,
    };
    say!("programs {}", programs.display());
    for (key, words) in [
        ("enter", made.enter()?),
        ("observe", made.command("observe", &[])?),
        ("look", made.command("look", &[])?),
    ] {
        // A test adds its own options, and then `--`.
        for word in words
            .iter()
            .filter(|word| *word != "--" || key == "observe")
        {
            say!("{key} {word}");
        }
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
pub struct Made {
    place: Place,
    processes: u16,
    bin: PathBuf,
    bubblewrap: Option<Bubblewrap>,
    memory: Option<Memory>,
    ended: bool,
}

impl Made {
    /// Makes one.
    ///
    /// # Errors
    /// When bubblewrap fails, or this machine does not have that level.
    pub fn new(args: &BoxArgs) -> anyhow::Result<Self> {
        let memory = Memory::new();
        let bubblewrap = match args.level {
            1 => Some(Bubblewrap::start(args.uid, &args.bin)?),
            2 => {
                let uid = args.uid;
                let uid = uid.context("another uid can be had by root alone")?;
                chown(&args.dir, Some(uid), Some(uid))
                    .with_context(|| format!("chown {}", args.dir.display()))?;
                None
            }
            level => bail!("level {level} has no box"),
        };
        let place = Place {
            level: args.level,
            uid: args.uid,
            init: bubblewrap.as_ref().map(Bubblewrap::init),
            keeper: bubblewrap.as_ref().map(Bubblewrap::keeper),
            dir: match args.level {
                1 => WORK.into(),
                _ => args.dir.clone(),
            },
        };
        Ok(Self {
            place,
            processes: args.processes,
            bin: args.bin.clone(),
            bubblewrap,
            memory,
            ended: false,
        })
    }

    /// The words in front of a command that is to run in the box, as a student's program does.
    ///
    /// # Errors
    /// When the path of this program cannot be told.
    pub fn enter(&self) -> anyhow::Result<Vec<String>> {
        let mut more = vec![format!("--processes={}", self.processes)];
        if let Some(memory) = &self.memory {
            more.push(format!("--memory={}", memory.path().display()));
        }
        if self.place.level != 1 {
            more.push(format!("--programs={}", self.bin.display()));
        }
        more.push("--".into());
        let more: Vec<_> = more.iter().map(String::as_str).collect();
        self.command("enter", &more)
    }

    fn command(&self, name: &str, more: &[&str]) -> anyhow::Result<Vec<String>> {
        let program = std::env::current_exe().context("the path of this program")?;
        let mut words = vec![program.to_string_lossy().into_owned(), name.into()];
        words.extend(self.place.words());
        words.extend(more.iter().map(|word| (*word).to_owned()));
        Ok(words)
    }

    /// Whether it has not ended yet, from outside or from within.
    fn stands(&mut self) -> anyhow::Result<bool> {
        match &mut self.bubblewrap {
            Some(bubblewrap) => bubblewrap.stands(),
            None => Ok(true),
        }
    }

    /// Ends every process in the box and removes what they made.
    ///
    /// # Errors
    /// When one of them survives SIGKILL.
    pub fn end(&mut self) -> anyhow::Result<()> {
        if std::mem::replace(&mut self.ended, true) {
            return Ok(());
        }
        if let Some(mut bubblewrap) = self.bubblewrap.take() {
            let init = bubblewrap.init();
            // The pid namespace goes with its init, and with it every process in it.
            let _ = kill(Pid::from_raw(init), Signal::SIGKILL);
            // It is not our child: no event tells that it has gone, so this polls.
            let gone = || Ok((!Path::new(&format!("/proc/{init}")).exists()).then_some(()));
            let gone = poll_until(Duration::from_secs(10), gone)?;
            bubblewrap.end()?;
            ensure!(
                gone.is_some(),
                "the box's init, process {init}, survives SIGKILL"
            );
        }
        match self.place.uid {
            Some(uid) if self.place.level == 2 => {
                isolation::sweep(uid, &[&self.place.dir, &self.bin])
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        let _ = self.end();
    }
}
