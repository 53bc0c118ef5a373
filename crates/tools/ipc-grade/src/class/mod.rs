//! A class: one `ipc-grade grade` for each submission, and one table of marks.

mod child;
mod gradebook;
mod log;
mod roll;
mod scratch;

use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use lesson::note;

use crate::claim::Claim;
use crate::exercise::Project;
use crate::grade::How;
use crate::overlay::Submission;
use crate::results::Verdict;
use crate::tools::tools_complete;
use crate::{digest, export, find_bats, name, tools};
use child::Children;
use gradebook::{Gradebook, Mark, Outcome};
use roll::Roll;
use scratch::Scratch;

/// How long to wait for a grader that still writes into a student's results: after a kill of this program
/// that grader ends by itself.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the threads that grade have in common.
struct Class<'a> {
    project: Project,
    folder: &'a Path,
    out: PathBuf,
    how: &'a How,
    scratch: Scratch,
    children: Children,
    book: Mutex<Gradebook>,
    next: AtomicUsize,
    bar: ProgressBar,
}

/// Grades every submission in a folder.
///
/// # Errors
/// When the grader fails, also if only for one of the submissions.
pub fn run(folder: &Path, out: &Path, jobs: Option<u16>, how: &How) -> anyhow::Result<()> {
    let children = Children::default();
    children.end_on_signal()?;
    ensure!(folder.is_dir(), "{} is no folder", folder.display());
    let project = Project::find()?;
    how.exercises(&project, &Submission::open(&folder.join("."))?)?;
    // What would fail for each of them fails once, and now.
    // Its graders get the same isolation, or fail: never one of them less than the others.
    let isolation = how.isolation()?;
    isolation.check_hidden(folder)?;
    let how = &How {
        level: Some(isolation.level()),
        ..how.clone()
    };
    find_bats(&project)?;
    tools_complete(&tools()?)?;

    fs::create_dir_all(out).with_context(|| format!("mkdir {}", out.display()))?;
    let out = out
        .canonicalize()
        .with_context(|| format!("{}", out.display()))?;
    let _claim = Claim::take(&out, Duration::ZERO)?;
    let Roll { names, others } = Roll::read(folder, &out)?;
    ensure!(
        !names.is_empty() || !others.is_empty(),
        "{} holds no folder, so no submission",
        folder.display()
    );
    let tell = || {
        for (other, why) in &others {
            let shown = format!("{}/{}", folder.display(), name::shown(other.as_os_str()));
            note!("not graded, and not in grades.csv: {shown} {why}");
        }
    };
    if names.is_empty() {
        tell();
    }
    ensure!(
        !names.is_empty(),
        "{} holds no folder, so no submission",
        folder.display()
    );
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let jobs = jobs.map_or(processors, usize::from).min(names.len());
    let bar = progress_bar(names.len());
    let class = Class {
        scratch: Scratch::new(&out)?,
        book: Mutex::new(Gradebook::new(out.join("grades.csv"), names)?),
        project,
        folder,
        out,
        how,
        children,
        next: AtomicUsize::new(0),
        bar,
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(|| class.work())).collect();
        // A worker fails when grades.csv cannot be written: the others find that too.
        workers.into_iter().try_for_each(|it| {
            it.join()
                .map_err(|_| anyhow::anyhow!("a worker panicked"))?
        })
    })?;
    class.bar.finish_and_clear();
    let book = class
        .book
        .into_inner()
        .map_err(|_| anyhow::anyhow!("a worker panicked"))?;
    lesson::print(book.table().as_bytes());
    tell();
    let failures = book.grader_failures();
    ensure!(
        failures == 0,
        "the grader failed for {failures} of {} submissions; the same command grades them again",
        book.len()
    );
    Ok(())
}

fn progress_bar(of: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len}  {elapsed_precise}  {msg}");
    let bar = ProgressBar::new(of as u64);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(std::time::Duration::from_secs(1));
    bar
}

impl Class<'_> {
    /// Grades one submission after the other, until none is left.
    fn work(&self) -> anyhow::Result<()> {
        loop {
            let place = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(name) = self.book()?.name(place) else {
                return Ok(());
            };
            let mark = self.mark(&name).unwrap_or_else(|error| Mark {
                outcome: Outcome::GraderFailed,
                why: format!("{error:#}"),
                ..Mark::default()
            });
            let mut book = self.book()?;
            book.set(place, mark)?;
            let line = book.line(place);
            if self.bar.is_hidden() {
                note!("{line}");
            } else {
                self.bar.set_message(line);
                self.bar.inc(1);
            }
        }
    }

    fn book(&self) -> anyhow::Result<std::sync::MutexGuard<'_, Gradebook>> {
        let book = self.book.lock();
        book.map_err(|_| anyhow::anyhow!("a worker panicked"))
    }

    /// The mark of one submission: that of an earlier run, if it still holds. The student's pages
    /// say the same.
    fn mark(&self, name: &Path) -> anyhow::Result<Mark> {
        let path = self.folder.join(name);
        let submission = Submission::open(&path)?;
        let out = self.out.join(name);
        fs::create_dir_all(&out).with_context(|| format!("mkdir {}", out.display()))?;
        let claim = Claim::take(&out, PATIENCE)?;
        let exercises = self.how.exercises(&self.project, &submission)?;
        if exercises.is_empty() {
            let mut verdict = Verdict::empty(&name::shown(name.as_os_str()));
            verdict.write(&out.join("results.json"))?;
            export::feedback(&verdict, &out)?;
            return Ok(Mark {
                outcome: Outcome::Nothing,
                why: "no EXERCISE/src of this project".into(),
                ..Mark::default()
            });
        }
        let taken: Vec<_> = (exercises.iter())
            .map(|exercise| submission.sources(&exercise.name))
            .collect();
        let digest = digest::of(&self.project, &exercises, &taken)?;
        // The grader reads them for itself.
        drop(taken);
        let file = out.join("results.json");
        let holds = |it: &Verdict| it.complete && it.digest == digest;
        if let Some(verdict) = Verdict::read(&file).ok().filter(holds) {
            export::feedback(&verdict, &out)?;
            return Ok(Mark::of(&verdict, true));
        }
        // Whatever happens to the child: no verdict on other sources stands there.
        for old in ["results.json", "feedback.md", "feedback.html"].map(|it| out.join(it)) {
            match fs::remove_file(&old) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("rm {}", old.display()));
                }
                _ => {}
            }
        }
        let children = &self.children;
        let ended = children.grade(&path, &out, self.how, &self.scratch, &claim)?;
        let mut verdict = Verdict::read(&file).with_context(|| ended.clone())?;
        if !verdict.complete {
            let why = verdict.grader_error.get_or_insert(ended).clone();
            export::feedback(&verdict, &out)?;
            return Ok(Mark {
                outcome: Outcome::GraderFailed,
                why,
                ..Mark::default()
            });
        }
        export::feedback(&verdict, &out)?;
        Ok(Mark::of(&verdict, false))
    }
}
