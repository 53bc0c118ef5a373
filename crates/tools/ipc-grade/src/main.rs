//! One submission in, one verdict out: it does not believe output, it checks that the right
//! mechanism carried it.

mod bats;
mod build;
mod exercise;
mod isolation;
mod overlay;
mod results;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};
use clap::{Parser, Subcommand};
use lesson::{Failure, note, say};
use tempfile::TempDir;

use crate::bats::Setting;
use crate::build::Workshop;
use crate::exercise::{Exercise, Project};
use crate::isolation::Isolation;
use crate::results::{Status, TestResult, Verdict};

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
        /// Only this exercise; may be repeated (default: all that the submission has)
        #[arg(long, value_name = "NAME")]
        exercise: Vec<String>,
        /// Only the first so many tests of each exercise, for a quick look
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
        tests: Option<u16>,
        /// Grade even where nothing keeps the submission from this machine's files and processes
        #[arg(long)]
        trust_submissions: bool,
        /// Use this level of isolation or refuse: 1 bubblewrap, 2 an unused uid, 3 none
        #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(u8).range(1..=3))]
        level: Option<u8>,
    },
    /// Say which isolation this machine allows
    Canary,
    /// Make a box for one test, say how to enter it, and keep it until standard input ends
    #[command(hide = true)]
    Box(isolation::BoxArgs),
}

fn main() -> Result<(), Failure> {
    match Args::parse().command {
        Task::Exercise { name } => own(&name)?,
        Task::Hint { name, again } => hint(&name, again)?,
        Task::Grade {
            submission,
            out,
            exercise,
            tests,
            trust_submissions,
            level,
        } => {
            let isolation = Isolation::choose(level, trust_submissions)?;
            let tests = tests.map_or(usize::MAX, usize::from);
            grade(&submission, out.as_deref(), &exercise, tests, isolation)?;
        }
        Task::Canary => say!("{}", Isolation::choose(None, true)?),
        Task::Box(args) => isolation::make_box(&args)?,
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
        command
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|it| it.success())
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
    let found = Command::new(project.0.join("scripts/tools"))
        .arg("bats")
        .output();
    let found = found.context("run scripts/tools bats")?;
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
    let built = Command::new("cargo")
        .args(["build", "--quiet", "--bins", "-p", name])
        .current_dir(&project.0)
        .status()
        .context("run cargo build")?;
    ensure!(built.success(), "{name} does not compile: see above");

    let tools = tools()?;
    let scratch = TempDir::with_prefix("ipc-grade.").context("make a temporary folder")?;
    let setting = Setting {
        bats: find_bats(&project)?,
        bin: tools.clone(),
        tools,
        box_command: None,
        enter: own_namespace(),
        scratch: scratch.path(),
    };
    let (mut points, mut out_of) = (0, 0);
    for test in &exercise.tests {
        let result = bats::run(&setting, &exercise, test)?;
        out_of += test.points;
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
        say!("\nThat was the last one (the first one again: ipc-grade hint {name} --again).");
    }
    fs::write(&file, (number + 1).to_string()).with_context(|| format!("write {}", file.display()))
}

/// A submission: every test that it has an exercise for.
fn grade(
    submission: &Path,
    out: Option<&Path>,
    only: &[String],
    tests: usize,
    isolation: Isolation,
) -> anyhow::Result<()> {
    let project = Project::find()?;
    ensure!(submission.is_dir(), "{} is no folder", submission.display());
    for name in only {
        project.exercise(name)?;
    }
    let wanted = |it: &Exercise| match only {
        [] => overlay::has(submission, &it.name),
        _ => only.contains(&it.name),
    };
    let mut exercises: Vec<_> = project.exercises()?.into_iter().filter(wanted).collect();
    for exercise in &mut exercises {
        exercise.tests.truncate(tests);
    }
    if exercises.is_empty() {
        bail!(
            "{} holds no EXERCISE/src of this project",
            submission.display()
        );
    }
    let name = submission
        .canonicalize()
        .with_context(|| format!("{}", submission.display()))?;
    let mut verdict = Verdict {
        submission: name
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        isolation: isolation.to_string(),
        grader_error: None,
        complete: false,
        score: 0,
        out_of: 0,
        tests: exercises.iter().flat_map(not_run).collect(),
    };
    let file = out.map(|folder| folder.join("results.json"));
    if let Some(folder) = out {
        fs::create_dir_all(folder).with_context(|| format!("mkdir {}", folder.display()))?;
    }
    let save = |verdict: &mut Verdict| match &file {
        Some(file) => verdict.write(file),
        None => Ok(()),
    };
    save(&mut verdict)?;
    if !isolation.is_safe() {
        note!("{isolation}: the submission can reach this machine's files and processes");
    }
    if let Err(error) = grade_all(
        &project,
        submission,
        &exercises,
        &isolation,
        &mut verdict,
        &save,
    ) {
        // What went wrong here is not the student's fault, and is no zero.
        verdict.grader_error = Some(format!("{error:#}"));
        save(&mut verdict)?;
        return Err(error.context("the grader failed"));
    }
    verdict.complete = true;
    save(&mut verdict)?;
    verdict.add_up();
    lesson::print(verdict.table().as_bytes());
    Ok(())
}

fn not_run(exercise: &Exercise) -> Vec<TestResult> {
    let result = |test: &exercise::Test| TestResult {
        exercise: exercise.name.clone(),
        test: test.name.clone(),
        points: test.points,
        status: Status::NotRun,
        rationale: "not reached yet".into(),
        help: String::new(),
        expected: String::new(),
        actual: String::new(),
    };
    exercise.tests.iter().map(result).collect()
}

fn grade_all(
    project: &Project,
    submission: &Path,
    exercises: &[Exercise],
    isolation: &Isolation,
    verdict: &mut Verdict,
    save: &impl Fn(&mut Verdict) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let bats = find_bats(project)?;
    let mut place = 0;
    for exercise in exercises {
        let slots = place..place + exercise.tests.len();
        place = slots.end;
        let workshop = Workshop::new(project, isolation)?;
        let built = match overlay::sources(submission, &exercise.name) {
            Ok(sources) => workshop.build(&exercise.name, &sources)?,
            Err(error) => Err(format!("{error:#}")),
        };
        let bin = match built {
            Ok(bin) => bin,
            Err(why) => {
                for slot in slots {
                    verdict.tests[slot].status = Status::Failed;
                    verdict.tests[slot].rationale = why.clone();
                    verdict.tests[slot].help =
                        "The program must compile before it can be tested.".into();
                }
                save(verdict)?;
                continue;
            }
        };
        let setting = Setting {
            bin,
            tools: tools()?,
            bats: bats.clone(),
            box_command: isolation.box_command()?,
            enter: Vec::new(),
            scratch: workshop.scratch(),
        };
        for (slot, test) in slots.zip(&exercise.tests) {
            verdict.tests[slot] = bats::run(&setting, exercise, test)?;
            save(verdict)?;
        }
    }
    Ok(())
}
