//! The marks of a class: grades.csv, and the table at the end.

use std::path::PathBuf;

use anyhow::Context;
use comfy_table::{Cell, CellAlignment, Table, presets};

use crate::bounds::printable_line;
use crate::name;
use crate::results::{self, Untested, Verdict};

/// What came of a submission, in the words of grades.csv.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outcome {
    /// Not reached yet.
    #[default]
    Waiting,
    /// It has its marks.
    Graded,
    /// No test of any exercise was run, for that reason: no points, and the student's failure.
    Untested(Untested),
    /// It holds nothing that could be graded: the student's failure.
    Nothing,
    /// There is no verdict, and the student is not to blame.
    GraderFailed,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Self::Waiting => "not yet graded",
            Self::Graded => "graded",
            Self::Untested(why) => why.word(),
            Self::Nothing => "nothing to grade",
            Self::GraderFailed => "the grader failed",
        }
    }
}

/// One line of the table.
#[derive(Debug, Clone, Default)]
pub struct Mark {
    /// What came of it.
    pub outcome: Outcome,
    /// Points reached, points there are, points of tests without a verdict.
    pub points: Option<[u32; 3]>,
    /// Whether an earlier run has graded it.
    pub kept: bool,
    /// What an instructor should know.
    pub why: String,
}

impl Mark {
    /// That of a complete verdict.
    pub fn of(verdict: &Verdict, kept: bool) -> Self {
        let untested = verdict.untested();
        let is_untested = verdict.tests.iter().all(|test| test.untested.is_some());
        // Of several reasons the one for which there is most to look at.
        let order = [
            Untested::Refused,
            Untested::DoesNotCompile,
            Untested::NotHandedIn,
        ];
        let first = |reason: &Untested| untested.iter().any(|(_, why, _)| why == reason);
        let outcome = match order.into_iter().find(first) {
            Some(why) if is_untested => Outcome::Untested(why),
            _ => Outcome::Graded,
        };
        let why = match outcome {
            Outcome::Untested(Untested::NotHandedIn) => {
                "nothing that was asked for was handed in".into()
            }
            _ => verdict.remarks().join("; "),
        };
        Self {
            outcome,
            points: Some([verdict.score, verdict.out_of, verdict.open()]),
            kept,
            why,
        }
    }
}

/// All marks, and the file that holds them at every moment.
pub struct Gradebook {
    file: PathBuf,
    names: Vec<PathBuf>,
    marks: Vec<Mark>,
}

impl Gradebook {
    /// A class of which nobody has a mark yet.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn new(file: PathBuf, names: Vec<PathBuf>) -> anyhow::Result<Self> {
        let marks = vec![Mark::default(); names.len()];
        let book = Self { file, names, marks };
        book.write()?;
        Ok(book)
    }

    /// How many submissions there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// The name of that submission's folder.
    pub fn name(&self, place: usize) -> Option<PathBuf> {
        self.names.get(place).cloned()
    }

    /// Enters a mark.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set(&mut self, place: usize, mark: Mark) -> anyhow::Result<()> {
        self.marks[place] = mark;
        self.write()
    }

    /// For how many there is no verdict.
    pub fn grader_failures(&self) -> usize {
        let failed = |mark: &&Mark| mark.outcome == Outcome::GraderFailed;
        self.marks.iter().filter(failed).count()
    }

    /// What to say when a mark has been entered.
    pub fn line(&self, place: usize) -> String {
        let mark = &self.marks[place];
        let points = match mark.points {
            Some([score, of, _]) if mark.outcome == Outcome::Graded => format!("{score}/{of}"),
            Some([score, of, _]) => format!("{score}/{of}, {}", mark.outcome.word()),
            None => mark.outcome.word().into(),
        };
        let done = |mark: &&Mark| mark.outcome != Outcome::Waiting;
        let done = self.marks.iter().filter(done).count();
        let kept = if mark.kept { ", as before" } else { "" };
        let name = name::shown(self.names[place].as_os_str());
        format!("{done}/{} {name}: {points}{kept}", self.len())
    }

    fn write(&self) -> anyhow::Result<()> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        let heading = ["submission", "score", "out of", "open", "verdict", "why"];
        csv.write_record(heading).context("write CSV")?;
        for (name, mark) in self.names.iter().zip(&self.marks) {
            let points = mark
                .points
                .map(|points| points.map(|number| number.to_string()));
            let [score, of, open] = points.unwrap_or_default();
            let name = no_formula(name::shown(name.as_os_str()));
            let why = no_formula(printable_line(&mark.why));
            csv.write_record([&name, &score, &of, &open, mark.outcome.word(), &why])
                .context("write CSV")?;
        }
        let text = csv.into_inner().context("write CSV")?;
        results::replace(&self.file, &text)
    }

    /// The table that a terminal shows.
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        table.set_header(["submission", "points", "verdict", ""]);
        for (name, mark) in self.names.iter().zip(&self.marks) {
            let points = mark.points.map(|[score, of, _]| format!("{score}/{of}"));
            table.add_row([
                Cell::new(name::shown(name.as_os_str())),
                Cell::new(points.unwrap_or_default()).set_alignment(CellAlignment::Right),
                Cell::new(mark.outcome.word()),
                Cell::new(printable_line(&mark.why)),
            ]);
        }
        let lines = table.to_string();
        let lines = lines.lines().map(|line| format!("{}\n", line.trim()));
        let text: String = lines.collect();
        format!(
            "{text}{} submissions: {}\n",
            self.len(),
            self.file.display()
        )
    }
}

/// A spreadsheet would calculate what begins like this. A quotation mark that stands there already gets
/// one, too, so that different names stay different.
fn no_formula(text: String) -> String {
    match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\'') => format!("'{text}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::results::{Status, TestResult};

    #[test]
    fn a_hostile_name_calculates_nothing_and_stays_its_own() {
        let names = ["=1+1", "'=1+1", "ada"].map(|name| no_formula(name.into()));
        assert_eq!(names, ["'=1+1", "''=1+1", "ada"]);
    }

    fn verdict(tests: &[(&str, Option<Untested>)]) -> Verdict {
        let mut verdict = Verdict::empty("ada");
        let test = |(exercise, untested): &(&str, Option<Untested>)| TestResult {
            exercise: (*exercise).into(),
            points: 5,
            status: Status::Failed,
            untested: *untested,
            rationale: "src/main.rs is a symbolic link\nand more".into(),
            ..TestResult::default()
        };
        verdict.tests = tests.iter().map(test).collect();
        verdict.add_up();
        verdict
    }

    #[test]
    fn a_zero_that_no_test_gave_has_a_word_of_its_own() {
        use Untested::{DoesNotCompile, NotHandedIn, Refused};
        let cases = [
            (vec![("a", None)], "graded", ""),
            (
                vec![("a", Some(DoesNotCompile))],
                "does not compile",
                "a: does not compile",
            ),
            (
                vec![("a", Some(NotHandedIn)), ("b", Some(NotHandedIn))],
                "not handed in",
                "nothing that was asked for was handed in",
            ),
            (
                vec![("a", Some(NotHandedIn)), ("b", Some(Refused))],
                "refused",
                "a: not handed in; b: refused: src/main.rs is a symbolic link",
            ),
            (
                vec![
                    ("a", Some(DoesNotCompile)),
                    ("a", Some(DoesNotCompile)),
                    ("b", None),
                ],
                "graded",
                "a: does not compile",
            ),
        ];
        for (tests, word, why) in cases {
            let mark = Mark::of(&verdict(&tests), false);
            assert_eq!((mark.outcome.word(), mark.why.as_str()), (word, why));
            assert_eq!(mark.points, Some([0, 5 * tests.len() as u32, 0]));
        }
    }

    #[test]
    fn what_no_honest_solution_does_is_told_with_the_marks() {
        let mut verdict = verdict(&[("a", None), ("a", None)]);
        for test in &mut verdict.tests {
            test.findings = vec!["a forbidden system call: io_uring_setup".into()];
        }
        let mark = Mark::of(&verdict, false);
        assert_eq!(mark.outcome, Outcome::Graded);
        assert_eq!(mark.why, "a: a forbidden system call: io_uring_setup");
    }

    #[test]
    fn grades_csv_is_whole_after_each_mark() -> anyhow::Result<()> {
        let folder = tempfile::TempDir::new()?;
        let file = folder.path().join("grades.csv");
        let names = vec!["a,b".into(), "c".into()];
        let mut book = Gradebook::new(file.clone(), names)?;
        let mark = Mark {
            outcome: Outcome::Graded,
            points: Some([3, 10, 0]),
            ..Mark::default()
        };
        book.set(0, mark)?;
        assert_eq!(
            fs::read_to_string(file)?,
            "submission,score,out of,open,verdict,why\n\
             \"a,b\",3,10,0,graded,\n\
             c,,,,not yet graded,\n"
        );
        Ok(())
    }
}
