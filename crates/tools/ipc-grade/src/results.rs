//! The verdict on a submission, and the file that holds it at every moment.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

/// How a test came out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Full points.
    Passed,
    /// No points.
    Failed,
    /// No verdict: not reached yet, or what it proves cannot be verified here.
    #[default]
    NotRun,
}

/// A test's result.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct TestResult {
    /// The exercise.
    pub exercise: String,
    /// The test.
    pub test: String,
    /// What it is worth.
    pub points: u32,
    /// Whether students have not got this test: then they are not told what it saw.
    #[serde(default)]
    pub hidden: bool,
    /// How it came out.
    pub status: Status,
    /// What was seen: the report of a failed test, the reason of one that was not run.
    pub rationale: String,
    /// What may help: the hint for this failure.
    pub help: String,
    /// What should have been printed, where that is the matter.
    pub expected: String,
    /// What was printed.
    pub actual: String,
    /// Who waited for what when the time was up, as SVG; empty if that is not the matter.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub picture: String,
}

/// The whole verdict.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Verdict {
    /// The submission's name.
    pub submission: String,
    /// How the student's programs were kept apart from everything else.
    pub isolation: String,
    /// What was graded, and by which tests: see digest.rs.
    pub digest: String,
    /// What the grader itself could not do; the student is not to blame for that.
    pub grader_error: Option<String>,
    /// True once every test has its result.
    pub complete: bool,
    /// Points reached.
    pub score: u32,
    /// Points there are.
    pub out_of: u32,
    /// The tests in order.
    pub tests: Vec<TestResult>,
}

impl Verdict {
    /// That on a submission in which there is nothing to grade.
    pub fn empty(submission: &str) -> Self {
        Self {
            submission: submission.into(),
            isolation: String::new(),
            digest: String::new(),
            grader_error: None,
            complete: true,
            score: 0,
            out_of: 0,
            tests: Vec::new(),
        }
    }

    /// Counts the points again.
    pub fn add_up(&mut self) {
        let passed = self.tests.iter().filter(|it| it.status == Status::Passed);
        self.score = passed.map(|it| it.points).sum();
        self.out_of = self.tests.iter().map(|it| it.points).sum();
    }

    /// Writes it into a file, see [`replace`].
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(&mut self, file: &Path) -> anyhow::Result<()> {
        self.add_up();
        let mut text = serde_json::to_vec_pretty(self).context("write JSON")?;
        text.push(b'\n');
        replace(file, &text)
    }

    /// Reads what [`Verdict::write`] has written.
    ///
    /// # Errors
    /// When that cannot be read, or is no verdict.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let text = fs::read(file).with_context(|| format!("read {}", file.display()))?;
        serde_json::from_slice(&text)
            .with_context(|| format!("{} is no results.json of ipc-grade", file.display()))
    }

    /// The points of the tests that have no verdict.
    pub fn open(&self) -> u32 {
        let open = self.tests.iter().filter(|it| it.status == Status::NotRun);
        open.map(|it| it.points).sum()
    }

    /// The table that a terminal shows; ends in `Score: x/y`.
    pub fn table(&self) -> String {
        let mut text = String::new();
        for test in &self.tests {
            let (mark, points) = match test.status {
                Status::Passed => ("passed", test.points),
                Status::Failed => ("FAILED", 0),
                Status::NotRun => ("not run", 0),
            };
            let (name, of) = (&test.test, test.points);
            text += &format!("{:<22} {points}/{of}  {mark:<7}  {name}\n", test.exercise);
        }
        let open = self.open();
        if open > 0 {
            text += &format!("{open} points without a verdict: see the tests that were not run.\n");
        }
        text + &format!("Score: {}/{}\n", self.score, self.out_of)
    }
}

/// Replaces a file in one step: whoever reads it sees the old or the new one, also after a kill.
///
/// # Errors
/// When the folder cannot be written.
pub fn replace(file: &Path, text: &[u8]) -> anyhow::Result<()> {
    let folder = file.parent().context("the folder of the results")?;
    let shown = || format!("write {}", file.display());
    let mut new = NamedTempFile::new_in(folder).with_context(shown)?;
    new.write_all(text).with_context(shown)?;
    new.as_file().sync_all().with_context(shown)?;
    new.persist(file).with_context(shown)?;
    File::open(folder)
        .and_then(|it| it.sync_all())
        .with_context(shown)
}
