//! The marks of a class: grades.csv, and the table at the end.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use comfy_table::{Cell, CellAlignment, Table, presets};

use crate::results::{self, Verdict};

/// What came of a submission, in the words of grades.csv.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outcome {
    /// Not reached yet.
    #[default]
    Waiting,
    /// It has its marks.
    Graded,
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
        let open = verdict.open();
        Self {
            outcome: Outcome::Graded,
            points: Some([verdict.score, verdict.out_of, open]),
            kept,
            why: match open {
                0 => String::new(),
                _ => format!("{open} points without a verdict"),
            },
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
        let failed = |it: &&Mark| it.outcome == Outcome::GraderFailed;
        self.marks.iter().filter(failed).count()
    }

    /// What to say when a mark has been entered.
    pub fn line(&self, place: usize) -> String {
        let mark = &self.marks[place];
        let points = match mark.points {
            Some([score, of, _]) => format!("{score}/{of}"),
            None => mark.outcome.word().into(),
        };
        let done = |it: &&Mark| it.outcome != Outcome::Waiting;
        let done = self.marks.iter().filter(done).count();
        let kept = if mark.kept { ", as before" } else { "" };
        let name = printable(&self.names[place].to_string_lossy());
        format!("{done}/{} {name}: {points}{kept}", self.len())
    }

    fn write(&self) -> anyhow::Result<()> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        let heading = ["submission", "score", "out of", "open", "verdict", "why"];
        csv.write_record(heading).context("write CSV")?;
        for (name, mark) in self.names.iter().zip(&self.marks) {
            let points = mark.points.map(|it| it.map(|it| it.to_string()));
            let [score, of, open] = points.unwrap_or_default();
            let name = no_formula(printable(&name.to_string_lossy()));
            let why = no_formula(printable(&mark.why));
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
                Cell::new(printable(&name.to_string_lossy())),
                Cell::new(points.unwrap_or_default()).set_alignment(CellAlignment::Right),
                Cell::new(mark.outcome.word()),
                Cell::new(printable(&mark.why)),
            ]);
        }
        let lines = table.to_string();
        let lines = lines.lines().map(|it| format!("{}\n", it.trim()));
        let text: String = lines.collect();
        format!(
            "{text}{} submissions: {}\n",
            self.len(),
            self.file.display()
        )
    }
}

/// A student chose the name: nothing in it may move a cursor or begin a new line.
fn printable(text: &str) -> String {
    let text: String = text.chars().take(400).collect();
    text.replace(char::is_control, "\u{fffd}")
}

/// A spreadsheet would calculate what begins like this.
fn no_formula(text: String) -> String {
    match text.chars().next() {
        Some('=' | '+' | '-' | '@') => format!("'{text}"),
        _ => text,
    }
}

/// The names of the folders in a folder, in order; not those whose names begin with a dot, and not
/// the one for the results.
pub fn submissions(folder: &Path, out: &Path) -> anyhow::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let read = || format!("read {}", folder.display());
    let (mut names, mut others) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder).with_context(read)? {
        let entry = entry.with_context(read)?;
        let name = entry.file_name();
        let path = entry.path();
        let is_out = path.canonicalize().is_ok_and(|it| it == out);
        if is_out || name.to_string_lossy().starts_with('.') {
            continue;
        }
        match path.is_dir() {
            true => names.push(PathBuf::from(name)),
            false => others.push(PathBuf::from(name)),
        }
    }
    names.sort();
    others.sort();
    Ok((names, others))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_neither_calculates_nor_breaks_a_line() {
        assert_eq!(no_formula("=1+1".into()), "'=1+1");
        assert_eq!(no_formula("ada".into()), "ada");
        assert_eq!(printable("a\nb\u{1b}[2J"), "a\u{fffd}b\u{fffd}[2J");
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
