//! What is there to grade: the exercises, their tests and points, their hints.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

/// The folder of the project: everything else is found from there.
#[derive(Debug, Clone)]
pub struct Project(pub PathBuf);

impl Project {
    /// The project that the working directory is in, or else that this program was built in.
    ///
    /// # Errors
    /// When it is in none.
    pub fn find() -> anyhow::Result<Self> {
        let here = std::env::current_dir().context("getcwd")?;
        let program = std::env::current_exe().context("the path of this program")?;
        let is_project = |it: &&Path| it.join("crates/exercises").is_dir();
        let root = here.ancestors().find(is_project);
        let root = root.or_else(|| program.ancestors().find(is_project));
        let root = root.with_context(|| {
            format!(
                "{} is not in ipc-lab: run this in its folder",
                here.display()
            )
        })?;
        Ok(Self(root.to_owned()))
    }

    /// All exercises, by name.
    ///
    /// # Errors
    /// When their folder cannot be read.
    pub fn exercises(&self) -> anyhow::Result<Vec<Exercise>> {
        let folder = self.0.join("crates/exercises");
        let entries =
            fs::read_dir(&folder).with_context(|| format!("read {}", folder.display()))?;
        let names = entries
            .flatten()
            .filter(|it| it.path().join("Cargo.toml").is_file());
        let mut names: Vec<_> = names
            .map(|it| it.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names.iter().map(|name| self.exercise(name)).collect()
    }

    /// The exercise of that name.
    ///
    /// # Errors
    /// When there is none, or its tests have no points.
    pub fn exercise(&self, name: &str) -> anyhow::Result<Exercise> {
        let folder = self.0.join("crates/exercises").join(name);
        ensure!(
            !name.contains('/') && folder.join("Cargo.toml").is_file(),
            "there is no exercise {name:?}: `ls crates/exercises` lists them"
        );
        let bats = self.0.join(format!("tests/exercises/{name}.bats"));
        let tests = Test::all(&bats, false)?;
        let readme = folder.join("README.md");
        let readme =
            fs::read_to_string(&readme).with_context(|| format!("read {}", readme.display()))?;
        Ok(Exercise {
            name: name.into(),
            tests,
            hints: hints(&readme),
        })
    }
}

/// An exercise and how it is graded.
#[derive(Debug)]
pub struct Exercise {
    /// Its name, which is also that of its package and of its folder.
    pub name: String,
    /// Its tests in order.
    pub tests: Vec<Test>,
    /// The hints of its page, in order.
    pub hints: Vec<String>,
}

/// A test and what it is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// Its name, without the points.
    pub name: String,
    /// Its points.
    pub points: u32,
    /// The file that it stands in.
    pub file: PathBuf,
    /// Whether students have not got that file.
    pub hidden: bool,
}

impl Test {
    /// The tests in a file.
    ///
    /// # Errors
    /// When it cannot be read, or none of them has points.
    pub fn all(file: &Path, hidden: bool) -> anyhow::Result<Vec<Self>> {
        let text = fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
        let parse = |line| Self::parse(line, file, hidden);
        let tests: Vec<_> = text.lines().filter_map(parse).collect();
        ensure!(
            !tests.is_empty(),
            "{}: no test has points (@test \"[2] what it is about\" {{)",
            file.display()
        );
        Ok(tests)
    }

    /// `@test "[3] a line arrives" {` is worth 3 points.
    fn parse(line: &str, file: &Path, hidden: bool) -> Option<Self> {
        let title = line.strip_prefix("@test \"")?.rsplit_once("\" {")?.0;
        let (points, name) = title.strip_prefix('[')?.split_once("] ")?;
        Some(Self {
            name: name.into(),
            points: points.parse().ok()?,
            file: file.into(),
            hidden,
        })
    }

    /// The number of its stage, `2` of "stage 2: what is typed"; a small exercise has no stages.
    pub fn stage(&self) -> Option<&str> {
        Some(self.name.strip_prefix("stage ")?.split_once(':')?.0)
    }

    /// Its name as bats has it.
    pub fn title(&self) -> String {
        format!("[{}] {}", self.points, self.name)
    }
}

/// What stands between `</summary>` and `</details>`, time and again.
fn hints(page: &str) -> Vec<String> {
    let pieces = page.split("</summary>").skip(1);
    let hints = pieces.filter_map(|it| it.split_once("</details>"));
    hints.map(|(hint, _)| hint.trim().to_owned()).collect()
}
