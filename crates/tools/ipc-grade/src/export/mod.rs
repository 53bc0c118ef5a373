//! The one verdict, in the formats that others read.

mod classroom50;
mod gradescope;
mod hang;
mod html;
mod junit;
mod markdown;
mod tap;

use std::path::Path;

use anyhow::{bail, ensure};

use crate::bounds::printable_line;
use crate::results::{Status, TestResult, Verdict, replace};

/// What the page of an empty submission says.
const NOTHING: &str = "There is nothing to grade: a submission holds the folder of an exercise, \
                       with its sources in src.";

/// A format to print a verdict in.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Format {
    /// Gradescope's results.json
    Gradescope,
    /// Classroom 50's result.json (its names come from the environment that its runner sets)
    Classroom50,
    /// JUnit XML, which CI systems show
    Junit,
    /// TAP 13, for prove(1) and others
    Tap,
    /// The student's page, for a text editor
    Markdown,
    /// The student's page, for a browser
    Html,
}

/// The verdict in that format.
///
/// # Errors
/// When the format has no word for a grader that failed: then nobody gets a mark.
pub fn text(format: Format, verdict: &Verdict) -> anyhow::Result<String> {
    match format {
        Format::Gradescope => gradescope::text(verdict),
        Format::Classroom50 => classroom50::text(verdict, |name| std::env::var(name).ok()),
        Format::Junit => junit::text(verdict),
        Format::Tap => Ok(tap::text(verdict)),
        Format::Markdown => Ok(markdown::text(verdict)),
        Format::Html => Ok(html::text(verdict)),
    }
}

/// Writes the student's pages into a folder.
///
/// # Errors
/// When they cannot be written.
pub fn feedback(verdict: &Verdict, folder: &Path) -> anyhow::Result<()> {
    replace(
        &folder.join("feedback.md"),
        markdown::text(verdict).as_bytes(),
    )?;
    replace(
        &folder.join("feedback.html"),
        html::text(verdict).as_bytes(),
    )
}

/// What a format without a word for it must not be asked for.
fn is_complete(verdict: &Verdict) -> anyhow::Result<()> {
    match &verdict.grader_error {
        Some(error) => bail!("there is no verdict: the grader failed: {error}"),
        None => ensure!(verdict.complete, "there is no verdict yet: grade again"),
    }
    Ok(())
}

impl TestResult {
    /// Exercise and test.
    fn full_name(&self) -> String {
        format!("{}: {}", self.exercise, self.test)
    }

    /// Points reached.
    fn score(&self) -> u32 {
        match self.status {
            Status::Passed => self.points,
            _ => 0,
        }
    }

    /// What a student may know of what the test saw.
    fn seen(&self) -> &str {
        match self.status {
            Status::Failed if self.hidden => "A hidden test: what it saw is not shown.",
            _ => &self.rationale,
        }
    }

    /// The picture of a hang, if a student may see what the test saw.
    fn picture(&self) -> &str {
        match self.hidden {
            true => "",
            false => &self.picture,
        }
    }

    /// What comes before all that a test saw, a line each: why it was not run, what a program did that no
    /// honest solution does. The latter is told of a hidden test, too: it says nothing of the test.
    fn notes(&self) -> Vec<String> {
        let untested = self
            .untested
            .map(|why| format!("Not tested: {}.", why.word()));
        let finding = |finding: &String| format!("Finding: {}", printable_line(finding));
        let findings = self.findings.iter().map(finding);
        untested.into_iter().chain(findings).collect()
    }

    /// What a student is told beyond the points.
    fn report(&self) -> String {
        let mut text = self.notes().join("\n");
        if !text.is_empty() {
            text.push('\n');
        }
        text += printable(self.seen()).trim_end();
        if !self.help.is_empty() {
            text += &format!("\nHint: {}", printable(&self.help));
        }
        text
    }
}

/// A program chose this text: nothing in it moves a cursor or turns the direction of writing.
fn printable(text: &str) -> String {
    let hostile = |it: char| {
        (it.is_control() && !matches!(it, '\n' | '\t'))
            || matches!(it, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.replace(hostile, "\u{fffd}")
}

#[cfg(test)]
pub mod sample {
    //! A verdict with everything in it that a format could stumble over.
    use super::*;
    use crate::results::Untested;

    pub fn verdict() -> Verdict {
        let test = |test: &str, status, rationale: &str| TestResult {
            exercise: "fix-pipe-eof".into(),
            test: test.into(),
            points: 3,
            status,
            rationale: rationale.into(),
            ..TestResult::default()
        };
        let hang = "still running after 5 s\n\
            fix-pipe-eof (process 12) is blocked in read(3 pipe:[7]): it is open for writing in \
            fix-pipe-eof (process 11), descriptor 4\n\
            parent: </pre><script>alert(1)</script> ]]> ``` \u{1b}[2J \u{202e} & \"\n";
        let mut verdict = Verdict {
            submission: "a*b </title><script>".into(),
            isolation: "level 1".into(),
            digest: "0".into(),
            grader_error: None,
            complete: true,
            score: 0,
            out_of: 0,
            tests: vec![
                test("a line # arrives \\", Status::Passed, ""),
                TestResult {
                    help: "Close the <write> end.".into(),
                    expected: "a\n".into(),
                    actual: "b\n".into(),
                    picture: "<svg>a hang</svg>\n".into(),
                    ..test("it ends", Status::Failed, hang)
                },
                test(
                    "by a pipe",
                    Status::NotRun,
                    "mechanism not verified: no strace",
                ),
            ],
        };
        verdict.add_up();
        verdict
    }

    /// One of which the first test has passed with a finding, and the second could not be run.
    pub fn with_notes() -> Verdict {
        let mut verdict = verdict();
        for test in &mut verdict.tests[..2] {
            test.findings = vec!["a forbidden system call: <io_uring_setup>".into()];
        }
        verdict.tests[1].untested = Some(Untested::DoesNotCompile);
        verdict
    }

    /// One for which the grader has failed.
    pub fn failure() -> Verdict {
        let mut verdict = verdict();
        verdict.complete = false;
        verdict.grader_error = Some("the build was killed".into());
        verdict.tests[2].rationale = "not reached yet".into();
        verdict
    }

    #[test]
    fn what_a_hidden_test_saw_is_shown_in_no_format() -> anyhow::Result<()> {
        let mut verdict = verdict();
        for test in &mut verdict.tests {
            test.hidden = true;
        }
        for format in [
            Format::Gradescope,
            Format::Junit,
            Format::Tap,
            Format::Markdown,
            Format::Html,
        ] {
            let text = text(format, &verdict)?;
            assert!(!text.contains("still running"), "{format:?}");
            assert!(text.contains("what it saw is not shown"), "{format:?}");
            assert!(!text.contains("image/svg"), "{format:?}");
        }
        let text = text(Format::Gradescope, &verdict)?;
        assert_eq!(text.matches(r#""after_published""#).count(), 3);
        Ok(())
    }

    #[test]
    fn a_finding_and_why_a_test_was_not_run_are_in_every_format() -> anyhow::Result<()> {
        let mut verdict = with_notes();
        // As they stand there when their tests are hidden, too.
        for hidden in [false, true] {
            for test in &mut verdict.tests {
                test.hidden = hidden;
            }
            for format in [
                Format::Gradescope,
                Format::Junit,
                Format::Tap,
                Format::Markdown,
                Format::Html,
            ] {
                let text = text(format, &verdict)?;
                let found = text.matches("a forbidden system call: ").count();
                assert!(found >= 2, "{format:?}: {text}");
                assert!(text.contains("does not compile"), "{format:?}: {text}");
            }
        }
        let top = text(Format::Gradescope, &verdict)?;
        assert!(
            top.contains("level 1\\nfix-pipe-eof: does not compile\\n"),
            "{top}"
        );
        let value = |name: &str| Some(name.to_owned());
        let classroom = classroom50::text(&verdict, value)?;
        assert!(classroom.contains("Not tested: does not compile."));
        assert_eq!(classroom.matches("Finding: a forbidden").count(), 2);
        Ok(())
    }

    #[test]
    fn without_a_verdict_there_is_no_mark() {
        for format in [Format::Gradescope, Format::Classroom50] {
            let error = text(format, &failure()).map_err(|it| it.to_string());
            let told = "there is no verdict: the grader failed: the build was killed";
            assert_eq!(error, Err(told.to_owned()));
        }
    }
}
