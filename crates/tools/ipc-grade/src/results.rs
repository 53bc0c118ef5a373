//! The verdict on a submission, and the file that holds it at every moment.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::bounds;

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

/// Why no test of an exercise was run, where the submission is the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Untested {
    /// The submission has nothing for this exercise.
    NotHandedIn,
    /// The submission has what is not taken: a symbolic link, too much, no `.rs` file.
    Refused,
    /// The compiler refuses the sources.
    DoesNotCompile,
}

impl Untested {
    /// The reason in words, as grades.csv and the pages have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotHandedIn => "not handed in",
            Self::Refused => "refused",
            Self::DoesNotCompile => "does not compile",
        }
    }
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
    /// Why it failed without being run; None if it was run, or if the submission is not the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untested: Option<Untested>,
    /// What a program did that no honest solution does, a line each: "a forbidden system call: …".
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<String>,
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
        self.grader_error = self.grader_error.take().map(|error| bounds::text(&error));
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

    /// The exercises of which no test was run because of the submission: name, reason, and what the
    /// student is told.
    pub fn untested(&self) -> Vec<(&str, Untested, &str)> {
        let mut all: Vec<(&str, Untested, &str)> = Vec::new();
        for test in &self.tests {
            let name = test.exercise.as_str();
            if let Some(why) = test.untested
                && all.iter().all(|(known, ..)| *known != name)
            {
                all.push((name, why, &test.rationale));
            }
        }
        all
    }

    /// What an instructor should know besides the points, a line each: exercises that were not tested,
    /// what programs did that no honest solution does, points without a verdict.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        for (exercise, why, told) in self.untested() {
            remarks.push(match why {
                Untested::Refused => {
                    let first = told.lines().next().unwrap_or_default();
                    format!("{exercise}: refused: {first}")
                }
                _ => format!("{exercise}: {}", why.word()),
            });
        }
        for test in &self.tests {
            for finding in &test.findings {
                let remark = format!("{}: {finding}", test.exercise);
                if !remarks.contains(&remark) {
                    remarks.push(remark);
                }
            }
        }
        match self.open() {
            0 => {}
            open => remarks.push(format!("{open} points without a verdict")),
        }
        remarks
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
        for remark in self.remarks() {
            text += &format!("{}\n", bounds::printable_line(&remark));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn test(exercise: &str, untested: Option<Untested>, rationale: &str) -> TestResult {
        TestResult {
            exercise: exercise.into(),
            points: 2,
            status: Status::Failed,
            untested,
            rationale: rationale.into(),
            ..TestResult::default()
        }
    }

    #[test]
    fn a_zero_that_no_test_gave_is_named_once_for_each_exercise() -> anyhow::Result<()> {
        let mut verdict = Verdict::empty("ada");
        verdict.tests = vec![
            test("a", Some(Untested::DoesNotCompile), "it does not compile:"),
            test("a", Some(Untested::DoesNotCompile), "it does not compile:"),
            test("b", Some(Untested::Refused), "src/main.rs is a link\nmore"),
            test("c", Some(Untested::NotHandedIn), "there is no folder c/src"),
            TestResult {
                findings: vec!["a forbidden system call: io_uring_setup".into()],
                ..test("d", None, "")
            },
            test("d", None, ""),
        ];
        let expected = [
            "a: does not compile",
            "b: refused: src/main.rs is a link",
            "c: not handed in",
            "d: a forbidden system call: io_uring_setup",
        ];
        assert_eq!(verdict.remarks(), expected);
        let table = verdict.table();
        assert!(table.ends_with(&(expected.join("\n") + "\nScore: 0/0\n")));
        let back: Verdict = serde_json::from_slice(&serde_json::to_vec(&verdict)?)?;
        assert_eq!(back.remarks(), expected);
        Ok(())
    }

    #[test]
    fn a_file_from_before_these_fields_is_read() -> anyhow::Result<()> {
        let old = r#"{"exercise": "a", "test": "b", "points": 1, "status": "passed",
            "rationale": "", "help": "", "expected": "", "actual": ""}"#;
        let test: TestResult = serde_json::from_str(old)?;
        assert_eq!((test.untested, test.findings.len()), (None, 0));
        Ok(())
    }
}
