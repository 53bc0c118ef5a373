//! One submission: builds it, runs its tests, writes down its verdict after each.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use lesson::note;

use crate::bats::{self, Setting};
use crate::build::Workshop;
use crate::claim::Claim;
use crate::exercise::{self, Exercise, Project};
use crate::isolation::Isolation;
use crate::overlay::{self, Nothing, Sources, Submission};
use crate::results::{Status, TestResult, Untested, Verdict};
use crate::tools::tools_complete;
use crate::{digest, find_bats, hidden, name, tools};

/// How to grade: the same for one submission and for a class.
#[derive(clap::Args, Debug, Clone)]
pub struct How {
    /// Only this exercise; may be repeated (default: all that the submission has)
    #[arg(long, value_name = "NAME")]
    pub exercise: Vec<String>,
    /// Only the first so many tests of each exercise, for a quick look
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub tests: Option<u16>,
    /// Only the test of this name, without its points; may be repeated
    #[arg(long, value_name = "NAME")]
    pub test: Vec<String>,
    /// Run each test so many times, to see whether its verdict is ever by chance
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub times: Option<u16>,
    /// Further tests that students have not got: a folder with EXERCISE.bats files
    #[arg(long, value_name = "FOLDER")]
    pub tests_dir: Option<PathBuf>,
    /// Grade even where nothing keeps the submission from this machine's files and processes
    #[arg(long)]
    pub trust_submissions: bool,
    /// Use this level of isolation or refuse: 1 bubblewrap, 2 an unused uid, 3 none
    #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(u8).range(1..=3))]
    pub level: Option<u8>,
}

impl How {
    /// The isolation that this asks for.
    ///
    /// # Errors
    /// When it cannot be had.
    pub fn isolation(&self) -> anyhow::Result<Isolation> {
        let isolation = Isolation::choose(self.level, self.trust_submissions)?;
        if let Some(folder) = &self.tests_dir {
            isolation.check_hidden(folder)?;
        }
        Ok(isolation)
    }

    /// The same as words of a command line.
    pub fn words(&self) -> Vec<OsString> {
        let mut words = Vec::new();
        let mut add = |name: &str, value: &str| words.push(format!("{name}={value}").into());
        for name in &self.exercise {
            add("--exercise", name);
        }
        if let Some(tests) = self.tests {
            add("--tests", &tests.to_string());
        }
        for name in &self.test {
            add("--test", name);
        }
        if let Some(times) = self.times {
            add("--times", &times.to_string());
        }
        if let Some(level) = self.level {
            add("--level", &level.to_string());
        }
        if let Some(folder) = &self.tests_dir {
            words.extend(["--tests-dir".into(), folder.into()]);
        }
        if self.trust_submissions {
            words.push("--trust-submissions".into());
        }
        words
    }

    /// What is to be graded of that submission.
    ///
    /// # Errors
    /// When an exercise that was asked for does not exist.
    pub fn exercises(
        &self,
        project: &Project,
        submission: &Submission,
    ) -> anyhow::Result<Vec<Exercise>> {
        let mut exercises = match self.exercise.as_slice() {
            [] => project.exercises()?,
            names => names
                .iter()
                .map(|it| project.exercise(it))
                .collect::<anyhow::Result<_>>()?,
        };
        if self.exercise.is_empty() {
            exercises.retain(|exercise| submission.has(&exercise.name));
        }
        for exercise in &mut exercises {
            exercise
                .tests
                .truncate(self.tests.map_or(usize::MAX, usize::from));
        }
        if let Some(folder) = &self.tests_dir {
            hidden::add(project, folder, &mut exercises)?;
        }
        for exercise in &mut exercises {
            if !self.test.is_empty() {
                exercise.tests.retain(|it| self.test.contains(&it.name));
                let name = &exercise.name;
                ensure!(
                    !exercise.tests.is_empty(),
                    "{name} has no test {:?}: its tests stand in tests/exercises/{name}.bats",
                    self.test
                );
            }
            let times = self.times.map_or(1, usize::from);
            exercise.tests = vec![exercise.tests.clone(); times].concat();
        }
        Ok(exercises)
    }
}

/// Grades it, prints its table, and writes results.json into a folder.
///
/// # Errors
/// When the grader fails; what is wrong with the submission is no error.
pub fn run(submission: &Path, out: Option<&Path>, how: &How) -> anyhow::Result<()> {
    let isolation = how.isolation()?;
    let project = Project::find()?;
    let opened = Submission::open(submission)?;
    tools_complete(&tools()?)?;
    let exercises = how.exercises(&project, &opened)?;
    if exercises.is_empty() {
        bail!(
            "{} holds no EXERCISE/src of this project",
            submission.display()
        );
    }
    // Read once: what is graded is what the digest is of.
    let taken: Vec<_> = (exercises.iter())
        .map(|exercise| opened.sources(&exercise.name))
        .collect();
    let path = submission
        .canonicalize()
        .with_context(|| format!("{}", submission.display()))?;
    let mut verdict = Verdict {
        submission: name::shown(path.file_name().unwrap_or_default()),
        isolation: isolation.to_string(),
        digest: digest::of(&project, &exercises, &taken)?,
        grader_error: None,
        complete: false,
        score: 0,
        out_of: 0,
        tests: exercises.iter().flat_map(not_run).collect(),
    };
    let file = out.map(|folder| folder.join("results.json"));
    let _claim = match out {
        Some(folder) => {
            fs::create_dir_all(folder).with_context(|| format!("mkdir {}", folder.display()))?;
            Some(Claim::take(folder, Duration::ZERO)?)
        }
        None => None,
    };
    let save = |verdict: &mut Verdict| match &file {
        Some(file) => verdict.write(file),
        None => Ok(()),
    };
    save(&mut verdict)?;
    if !isolation.is_safe() {
        note!("{isolation}: the submission can reach this machine's files and processes");
    }
    if let Err(error) = grade_all(&project, taken, &exercises, &isolation, &mut verdict, &save) {
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
        hidden: test.hidden,
        status: Status::NotRun,
        rationale: "not reached yet".into(),
        ..TestResult::default()
    };
    exercise.tests.iter().map(result).collect()
}

fn grade_all(
    project: &Project,
    taken: Vec<Result<Sources, Nothing>>,
    exercises: &[Exercise],
    isolation: &Isolation,
    verdict: &mut Verdict,
    save: &impl Fn(&mut Verdict) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let bats = find_bats(project)?;
    let _turn = isolation.turn()?;
    let mut place = 0;
    for (exercise, taken) in exercises.iter().zip(taken) {
        let slots = place..place + exercise.tests.len();
        place = slots.end;
        let workshop = Workshop::new(project, isolation)?;
        let built = match taken {
            Ok(sources) => (workshop.build(&exercise.name, &sources)?)
                .map_err(|told| (Untested::DoesNotCompile, told)),
            Err(nothing) => Err((nothing.why, nothing.told)),
        };
        let bin = match built {
            Ok(bin) => bin,
            Err((why, told)) => {
                let help = match why {
                    Untested::DoesNotCompile => "The program must compile before it can be tested.",
                    Untested::NotHandedIn | Untested::Refused => overlay::WHAT_IS_TAKEN,
                };
                for test in &mut verdict.tests[slots] {
                    let failed = TestResult {
                        status: Status::Failed,
                        untested: Some(why),
                        rationale: told.clone(),
                        help: help.into(),
                        ..std::mem::take(test)
                    };
                    *test = failed.bounded();
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
            let mut test = test.clone();
            if test.hidden {
                test.file = hidden::stage(project, &test.file, workshop.scratch())?;
            }
            verdict.tests[slot] = bats::run(&setting, exercise, &test)?;
            isolation.clean(workshop.scratch())?;
            save(verdict)?;
        }
    }
    Ok(())
}
