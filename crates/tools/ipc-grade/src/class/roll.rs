//! The submissions in the directory of a class, and what lies there and is none.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

/// The names of our own files among the results: no student's folder of results may have one of them.
const OURS: [&str; 5] = [
    "grades.csv",
    "results.json",
    "feedback.md",
    "feedback.html",
    "grader.log",
];

/// The directory of a class.
pub struct Roll {
    /// The names of the submissions, in order.
    pub names: Vec<PathBuf>,
    /// What is not graded, and why.
    pub others: Vec<(PathBuf, &'static str)>,
}

impl Roll {
    /// Reads the directory of a class; `out` is the one for the results.
    ///
    /// # Errors
    /// When it cannot be read, or when the results would lie in a submission.
    pub fn read(folder: &Path, out: &Path) -> anyhow::Result<Self> {
        let read = || format!("read {}", folder.display());
        let class = folder.canonicalize().with_context(read)?;
        if let Ok(below) = out.strip_prefix(&class) {
            ensure!(
                below.components().count() == 1,
                "{} is no place for results, because submissions lie there: choose another --out",
                out.display()
            );
        }
        let results = fs::metadata(out).with_context(|| format!("stat {}", out.display()))?;
        let (mut names, mut others) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(folder).with_context(read)? {
            let entry = entry.with_context(read)?;
            let name = entry.file_name();
            // Looked at, never followed.
            let about = fs::symlink_metadata(entry.path()).with_context(read)?;
            if (about.dev(), about.ino()) == (results.dev(), results.ino()) {
                continue;
            }
            let why_not = if about.is_symlink() {
                Some("is a symbolic link")
            } else if !about.is_dir() {
                Some("is no folder")
            } else {
                why_not_by_name(&name)
            };
            let holds_class = class.starts_with(out.join(&name));
            match why_not.or(holds_class.then_some("has a name that --out has for the class")) {
                None => names.push(PathBuf::from(name)),
                Some(why) => others.push((PathBuf::from(name), why)),
            }
        }
        names.sort();
        others.sort();
        Ok(Self { names, others })
    }
}

/// Why a folder of that name is not graded, if it is not.
fn why_not_by_name(name: &OsStr) -> Option<&'static str> {
    if name.as_encoded_bytes().starts_with(b".") {
        return Some("has a name that begins with a dot");
    }
    // Not every file system tells large letters from small ones.
    let is_ours = OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours));
    is_ours.then_some("has the name of a file of ours: rename it")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_is_no_submission_has_a_reason() -> anyhow::Result<()> {
        let folder = tempfile::TempDir::new()?;
        let folder = folder.path().canonicalize()?;
        let out = folder.join("grades");
        for name in [
            "ada",
            "grades",
            ".git",
            "Grades.csv",
            "results.json",
            "b.csv",
        ] {
            fs::create_dir(folder.join(name))?;
        }
        fs::write(folder.join("notes.txt"), "")?;
        fs::write(folder.join(".lock"), "")?;
        for (link, target) in [
            ("eve", "ada"),
            ("root", "/"),
            ("gone", "nowhere"),
            ("out", "grades"),
        ] {
            symlink(target, folder.join(link))?;
        }
        let roll = Roll::read(&folder, &out)?;
        assert_eq!(roll.names, [PathBuf::from("ada"), PathBuf::from("b.csv")]);
        let others: Vec<_> = (roll.others.iter())
            .map(|(name, why)| format!("{} {why}", name.display()))
            .collect();
        let expected = [
            ".git has a name that begins with a dot",
            ".lock is no folder",
            "Grades.csv has the name of a file of ours: rename it",
            "eve is a symbolic link",
            "gone is a symbolic link",
            "notes.txt is no folder",
            "out is a symbolic link",
            "results.json has the name of a file of ours: rename it",
            "root is a symbolic link",
        ];
        assert_eq!(others, expected);
        Ok(())
    }

    #[test]
    fn results_never_lie_in_a_submission() -> anyhow::Result<()> {
        let folder = tempfile::TempDir::new()?;
        let folder = folder.path().canonicalize()?;
        fs::create_dir_all(folder.join("ada/grades"))?;
        assert!(Roll::read(&folder, &folder).is_err());
        assert!(Roll::read(&folder, &folder.join("ada/grades")).is_err());
        // The class in the directory of the results, and a student whose name is that of the class.
        fs::create_dir_all(folder.join("class/class"))?;
        let roll = Roll::read(&folder.join("class"), &folder)?;
        assert!(roll.names.is_empty() && roll.others.len() == 1);
        Ok(())
    }
}
