//! The ways in which a program ends: Drop runs where functions return, and nowhere else.

use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};

use anyhow::{Context, anyhow, bail};
use clap::ValueEnum;
use lesson::say;
use nix::errno::Errno;
use nix::sys::prctl::set_dumpable;
use nix::sys::signal::{SigSet, Signal, kill, raise};
use nix::unistd::{Pid, pause};

use crate::guards::Fifo;
use crate::stage::Stage;

#[derive(Clone, Copy, ValueEnum)]
pub enum Ending {
    /// Return from main
    Return,
    /// process::exit, as exit(3) in C: the functions that are running never return
    Exit,
    /// A panic: it unwinds, which is to say that each function returns early
    Panic,
    /// process::abort, which is also what a panic does with panic = "abort"
    Abort,
    /// Killed by SIGTERM, as by `kill`
    Sigterm,
    /// SIGTERM again, but a thread waits for it (lesson::clean_up_on_signal)
    SigtermThread,
    /// SIGKILL, for which no thread can wait
    SigkillThread,
}

/// Ends a program in each of the ways, and looks what is left of its FIFO.
pub fn show(stage: &Stage) -> anyhow::Result<()> {
    say!("{:<24}{:<24}left", "How a program ends", "its status");
    let program = std::env::current_exe().context("current_exe")?;
    let path = stage.path("fifo");
    for ending in Ending::value_variants() {
        let ending = ending.to_possible_value().context("a hidden ending")?;
        let ending = ending.get_name();
        // Ctrl-C waits until what this one leaves is removed.
        let making = lesson::making();
        let status = Command::new(&program)
            .args(["--end", ending])
            .arg(&path)
            .stdout(Stdio::null())
            .status()
            .with_context(|| format!("start {}", program.display()))?;
        let left = stage.look()?;
        drop(making);
        stage.clear()?;
        say!("{ending:<24}{:<24}{left}", status.to_string());
    }
    Ok(())
}

/// Makes a FIFO and ends; its guard is dropped, or it is not.
pub fn end(ending: Ending, path: PathBuf) -> anyhow::Result<()> {
    // exec passes blocked signals on, and who started this program may have blocked SIGTERM.
    SigSet::all().thread_unblock().context("pthread_sigmask")?;
    // What SIGABRT kills leaves no core file.
    set_dumpable(false).context("prctl PR_SET_DUMPABLE")?;
    let make = || Fifo::make(&path).map_err(|error| explain(error, &path));
    match ending {
        Ending::Return => {
            let _fifo = make()?;
            Ok(())
        }
        Ending::Exit => {
            let _fifo = make()?;
            process::exit(0)
        }
        Ending::Panic => {
            // No message: it would name a line, and that is not the lesson.
            std::panic::set_hook(Box::new(|_| {}));
            let _fifo = make()?;
            panic!("on purpose")
        }
        Ending::Abort => {
            let _fifo = make()?;
            process::abort()
        }
        Ending::Sigterm => {
            let _fifo = make()?;
            raise(Signal::SIGTERM).context("raise")?;
            bail!("SIGTERM has not ended this program: its parent had it ignored")
        }
        Ending::SigtermThread => die_with_thread(&path, Signal::SIGTERM),
        Ending::SigkillThread => die_with_thread(&path, Signal::SIGKILL),
    }
}

fn explain(error: anyhow::Error, path: &Path) -> anyhow::Error {
    match error.downcast_ref() {
        Some(Errno::EEXIST) => {
            anyhow!(
                "{error:#}\nIf an earlier run left it: rm {}",
                path.display()
            )
        }
        _ => error,
    }
}

/// What all lessons do that make something with a name.
fn die_with_thread(path: &Path, signal: Signal) -> anyhow::Result<()> {
    lesson::clean_up_on_signal()?;
    // Removed when dropped, as by our guards, and by the signal thread too.
    let _made = fifo::create(path)?;
    // To the process, not to this thread as raise would: so the signal thread can take it.
    kill(Pid::this(), signal).context("kill")?;
    loop {
        pause();
    }
}
