//! One submission in, one verdict out: it does not believe output, it checks that the right
//! mechanism carried it.

mod bats;
mod bench;
mod bounds;
mod boxed;
mod build;
mod claim;
mod class;
mod digest;
mod exercise;
mod explain;
mod export;
mod grade;
mod hidden;
mod isolation;
mod name;
mod overlay;
mod results;
mod tools;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};
use clap::{Parser, Subcommand};
use lesson::{Failure, say};

use crate::bats::Setting;
use crate::bench::Bench;
use crate::build::Workshop;
use crate::exercise::Project;
use crate::isolation::Isolation;
use crate::results::Status;

/// Grade exercises: a student's own, or a submission
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Test your own solution of an exercise, in crates/exercises
    Exercise {
        /// The exercise
        name: String,
    },
    /// Print the next hint for an exercise
    Hint {
        /// The exercise
        name: String,
        /// Begin with the first one again
        #[arg(long)]
        again: bool,
    },
    /// Grade a submission: a folder that holds EXERCISE/src/**/*.rs
    ///
    /// Exits with 0 whenever grading worked, whatever the marks.
    Grade {
        /// The submission
        submission: PathBuf,
        /// Where to write results.json (default: only the table is printed)
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
        #[command(flatten)]
        how: grade::How,
    },
    /// Grade a class: a folder with a submission in each of its folders
    ///
    /// Each submission is graded by an `ipc-grade grade` of its own. After a kill the same command
    /// goes on where it was: whoever has a verdict on these sources is not graded again. Exits with
    /// 0 when every submission has a verdict.
    Class {
        /// The folder with the submissions
        submissions: PathBuf,
        /// Where to write grades.csv, and a folder for each submission
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
        /// How many to grade at a time (default: one for each processor)
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
        jobs: Option<u16>,
        #[command(flatten)]
        how: grade::How,
    },
    /// Print a results.json in the format of others
    Export {
        /// The format
        format: export::Format,
        /// The results.json of ipc-grade
        results: PathBuf,
    },
    /// Build what every submission's build begins with; otherwise the first one to be graded takes longer
    Prepare {
        /// For this level of isolation: 1 bubblewrap, 2 an unused uid (default: the best there is)
        #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(u8).range(1..=2))]
        level: Option<u8>,
    },
    /// Say which isolation this machine allows
    Canary,
    /// Say what is wrong with a folder of hidden tests for these exercises
    #[command(hide = true)]
    CheckTests {
        folder: PathBuf,
        #[arg(required = true)]
        exercises: Vec<String>,
    },
    /// Make a box for one test, say how to enter it, and keep it until standard input ends
    #[command(hide = true)]
    Box(boxed::BoxArgs),
    /// Run a program in a box, as a student's program
    #[command(hide = true)]
    Enter(boxed::EnterArgs),
    /// Kill every process of a submission's uid
    #[command(hide = true)]
    KillAll {
        #[arg(long)]
        uid: u32,
    },
    /// Run a build under another uid, with few files
    #[command(hide = true)]
    Confine(boxed::ConfineArgs),
    /// Run a program of ours beside a box, with its network and its IPC objects
    #[command(hide = true)]
    Observe(boxed::ObserveArgs),
    /// Say what is in a box
    #[command(hide = true)]
    Look(boxed::LookArgs),
}

fn main() -> Result<(), Failure> {
    boxed::close_inherited()?;
    match Args::parse().command {
        Task::Exercise { name } => {
            bench::end_all_on_signal()?;
            own(&name)?;
        }
        Task::Hint { name, again } => hint(&name, again)?,
        Task::Grade {
            submission,
            out,
            how,
        } => {
            bench::end_all_on_signal()?;
            grade::run(&submission, out.as_deref(), &how)?;
        }
        Task::Class {
            submissions,
            out,
            jobs,
            how,
        } => class::run(&submissions, &out, jobs, &how)?,
        Task::Export { format, results } => {
            let text = export::text(format, &results::Verdict::read(&results)?)?;
            lesson::print(text.as_bytes());
        }
        Task::Prepare { level } => {
            bench::end_all_on_signal()?;
            let isolation = Isolation::choose(level, false)?;
            Workshop::new(&Project::find()?, &isolation)?.prepare()?;
        }
        Task::Canary => {
            bench::end_all_on_signal()?;
            say!("{}", Isolation::choose(None, true)?);
        }
        Task::CheckTests { folder, exercises } => {
            hidden::look_at(&Project::find()?, &folder, &exercises)?;
        }
        Task::Box(args) => boxed::make_box(&args)?,
        Task::Enter(args) => boxed::enter(&args)?,
        Task::KillAll { uid } => isolation::kill_all_of(uid)?,
        Task::Confine(args) => boxed::confine(&args)?,
        Task::Observe(args) => boxed::observe(&args)?,
        Task::Look(args) => boxed::look(&args)?,
    }
    Ok(())
}

/// The folder that this program was started from: there are ipc-trace and the others.
fn tools() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe().context("the path of this program")?;
    Ok(program
        .parent()
        .context("the folder of this program")?
        .to_owned())
}

/// The words in front of bats that give a student's programs IPC objects of their own, so that what
/// a wrong one leaves goes with the test; none where namespaces are forbidden.
fn own_namespace() -> Vec<String> {
    let tries = [
        ["unshare", "--mount", "--ipc"].as_slice(),
        &["unshare", "-Urm", "--ipc"],
    ];
    let works = |words: &&&[&str]| {
        let mut command = Command::new(words[0]);
        command
            .args(&words[1..])
            .args(["mount", "-t", "tmpfs", "none", "/dev/shm"]);
        bench::status(command.stderr(Stdio::null())).is_ok_and(|it| it.success())
    };
    let Some(words) = tries.iter().find(works) else {
        return Vec::new();
    };
    let script = "mount -t tmpfs none /dev/shm && exec \"$@\"";
    let mut words = words.to_vec();
    words.extend(["sh", "-c", script, "sh"]);
    words.into_iter().map(str::to_owned).collect()
}

/// The bats to use, installed if need be.
fn find_bats(project: &Project) -> anyhow::Result<PathBuf> {
    let mut tools = Command::new(project.0.join("scripts/tools"));
    let found = bench::output(tools.arg("bats")).context("run scripts/tools bats")?;
    ensure!(
        found.status.success(),
        "there is no bats, and none could be installed: make tools"
    );
    Ok(PathBuf::from(String::from_utf8_lossy(&found.stdout).trim()))
}

/// A student's own solution, on the student's own machine.
fn own(name: &str) -> anyhow::Result<()> {
    let project = Project::find()?;
    let exercise = project.exercise(name)?;
    let mut cargo = Command::new("cargo");
    cargo
        .args(["build", "--quiet", "--bins", "-p", name])
        .current_dir(&project.0);
    let built = bench::status(&mut cargo).context("run cargo build")?;
    ensure!(built.success(), "{name} does not compile: see above");

    let tools = tools()?;
    let scratch = Bench::new()?;
    let setting = Setting {
        bats: find_bats(&project)?,
        bin: tools.clone(),
        tools,
        box_command: None,
        enter: own_namespace(),
        scratch: scratch.path(),
    };
    let (mut points, mut out_of) = (0, 0);
    // The stage that is tested, and whether any of its tests has passed: the next one stands on it.
    let (mut stage, mut begun) = (None, true);
    for test in &exercise.tests {
        out_of += test.points;
        if begun && test.stage() != stage {
            (stage, begun) = (test.stage(), false);
        }
        if test.stage() != stage {
            say!(
                "not yet  {}: first stage {}",
                test.title(),
                stage.unwrap_or_default()
            );
            continue;
        }
        let result = bats::run(&setting, &exercise, test)?;
        begun |= result.status != Status::Failed;
        match result.status {
            Status::Passed => {
                points += test.points;
                say!("passed   {}", test.title());
            }
            Status::NotRun => say!("not run  {}: {}", test.title(), result.rationale),
            Status::Failed => {
                say!("FAILED   {}", test.title());
                for line in result.rationale.lines() {
                    say!("         {line}");
                }
                if !result.help.is_empty() {
                    say!("         Hint: {}", result.help);
                }
            }
        }
    }
    if points < out_of {
        say!(
            "More hints: make hint-{name}. What the kernel saw: cargo run -q -p ipc-trace -- --help"
        );
    }
    say!("Score: {points}/{out_of}");
    Ok(())
}

/// Prints a page's hints one by one, and remembers which was the last.
fn hint(name: &str, again: bool) -> anyhow::Result<()> {
    let project = Project::find()?;
    let exercise = project.exercise(name)?;
    let folder = project.0.join("target/hints");
    fs::create_dir_all(&folder).with_context(|| format!("mkdir {}", folder.display()))?;
    let file = folder.join(name);
    let seen = match again {
        true => 0,
        false => fs::read_to_string(&file)
            .ok()
            .and_then(|it| it.trim().parse().ok())
            .unwrap_or(0),
    };
    let of = exercise.hints.len();
    ensure!(of > 0, "{name} has no hints");
    let number = seen.min(of - 1);
    say!(
        "Hint {} of {of} for {name}:\n\n{}",
        number + 1,
        exercise.hints[number]
    );
    if number + 1 == of {
        say!(
            "\nThat was the last one (the first one again: cargo run -q --bin ipc-grade -- hint {name} --again)."
        );
    }
    fs::write(&file, (number + 1).to_string()).with_context(|| format!("write {}", file.display()))
}
