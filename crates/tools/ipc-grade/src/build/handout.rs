//! Copies what a build needs of the project, and says what the copy holds.

use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context, ensure};
use sha2::{Digest, Sha256};

use super::cargo::{Cargo, printed};
use super::packages::{Metadata, Package, Program, needed};
use crate::exercise::Project;

/// What stands in place of each source that a build does not need.
const STUB: &[u8] = b"fn main() {}\n";
/// The time of each file in the copy, in seconds since 1970. Cargo compares times, and the copies of
/// one text must look the same to it.
const TIME: Duration = Duration::from_secs(946_684_800);

/// A copy of the handout.
pub struct Handout {
    /// A digest of everything in the copy that a dependency of an exercise is built from.
    pub digest: String,
    packages: Vec<Package>,
}

impl Handout {
    /// Copies the handout into a new directory.
    ///
    /// The copy holds the root manifest, `Cargo.lock`, each member's manifest, and the sources of the
    /// crates that exercises import. Every other source is an empty program. So cargo finds the same
    /// members as in the project, and `--locked` accepts the lock file as it is.
    ///
    /// # Errors
    /// When the project cannot be read, or the copy cannot be written.
    pub fn copy(project: &Project, cargo: &Cargo, to: &Path) -> anyhow::Result<Self> {
        let root = &project.0;
        let text = printed(&mut cargo.metadata(root))?;
        let metadata: Metadata = serde_json::from_str(&text).context("read cargo metadata")?;
        let needed = needed(&metadata.packages, root);
        let mut copy = Copy {
            from: root,
            to,
            digest: Sha256::new(),
        };
        for name in ["Cargo.toml", "Cargo.lock"] {
            copy.file(Path::new(name), true)?;
        }
        for package in &metadata.packages {
            let directory = (package.directory().strip_prefix(root))
                .with_context(|| format!("{} is outside the project", package.name))?;
            let is_needed = needed.contains(package.directory());
            let counts = is_needed || package.is_exercise(root);
            copy.file(&directory.join("Cargo.toml"), counts)?;
            if is_needed {
                let private = package.targets.iter().filter(|target| target.is_private());
                let private: Vec<_> = private.map(|target| target.src_path.as_path()).collect();
                copy.sources(directory, &private)?;
            }
            for target in &package.targets {
                let path = target.src_path.strip_prefix(root).with_context(|| {
                    format!("{} is outside the project", target.src_path.display())
                })?;
                if !to.join(path).exists() {
                    copy.write(path, STUB)?;
                }
            }
        }
        Ok(Self {
            digest: hex(copy.digest),
            packages: metadata.packages,
        })
    }

    /// The exercises, by name.
    pub fn exercises(&self, project: &Project) -> Vec<&str> {
        let exercises = self.packages.iter();
        let exercises = exercises.filter(|package| package.is_exercise(&project.0));
        exercises.map(|package| package.name.as_str()).collect()
    }

    /// The programs of an exercise as the handout names them, whatever a submission holds.
    ///
    /// # Errors
    /// When there is no such exercise, or it has no program.
    pub fn programs(&self, exercise: &str) -> anyhow::Result<Vec<Program>> {
        let package = self
            .packages
            .iter()
            .find(|package| package.name == exercise);
        let package = package.with_context(|| format!("there is no package {exercise}"))?;
        let programs = package.programs();
        ensure!(
            !programs.is_empty(),
            "the handout of {exercise} has no program"
        );
        Ok(programs)
    }
}

/// A copy that is being written.
struct Copy<'a> {
    from: &'a Path,
    to: &'a Path,
    digest: Sha256,
}

impl Copy<'_> {
    /// Copies a file. What the digest takes is what the copy holds, also when somebody edits the file now.
    fn file(&mut self, path: &Path, counts: bool) -> anyhow::Result<()> {
        let from = self.from.join(path);
        let text = fs::read(&from).with_context(|| format!("read {}", from.display()))?;
        if counts {
            // Each piece with its length, so that no two lists of pieces look the same.
            for piece in [path.as_os_str().as_bytes(), &text] {
                self.digest.update((piece.len() as u64).to_le_bytes());
                self.digest.update(piece);
            }
        }
        self.write(path, &text)
    }

    /// Copies the files of a crate, apart from its pages, hidden files and private sources.
    fn sources(&mut self, directory: &Path, private: &[&Path]) -> anyhow::Result<()> {
        let from = self.from.join(directory);
        let entries = fs::read_dir(&from).with_context(|| format!("read {}", from.display()))?;
        let mut names = Vec::new();
        for entry in entries {
            names.push(
                entry
                    .with_context(|| format!("read {}", from.display()))?
                    .file_name(),
            );
        }
        // The order of a directory is chance.
        names.sort();
        for name in names {
            let path = directory.join(&name);
            let from = self.from.join(&path);
            let is_page = path.extension().is_some_and(|extension| extension == "md");
            // Editors keep their own files there, some under a name that begins or ends so.
            let bytes = name.as_bytes();
            let is_hidden = bytes.starts_with(b".") || bytes.ends_with(b"~");
            let is_manifest = self.to.join(&path).exists();
            if is_page || is_hidden || is_manifest || private.contains(&from.as_path()) {
                continue;
            }
            if from.is_dir() {
                self.sources(&path, private)?;
            } else if from.is_file() {
                self.file(&path, true)?;
            }
        }
        Ok(())
    }

    fn write(&self, path: &Path, text: &[u8]) -> anyhow::Result<()> {
        let to = self.to.join(path);
        let directory = to.parent().context("a file without a directory")?;
        fs::create_dir_all(directory).with_context(|| format!("mkdir {}", directory.display()))?;
        fs::write(&to, text).with_context(|| format!("write {}", to.display()))?;
        let file = File::options().write(true).open(&to);
        file.and_then(|file| file.set_modified(SystemTime::UNIX_EPOCH + TIME))
            .with_context(|| format!("set the time of {}", to.display()))
    }
}

/// A digest as text.
pub fn hex(digest: Sha256) -> String {
    let bytes = digest.finalize();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_handout_names_the_programs() -> anyhow::Result<()> {
        let project = Project::find()?;
        let cargo = Cargo::find(&project)?;
        let copy = tempfile::tempdir()?;
        let handout = Handout::copy(&project, &cargo, &copy.path().join("ws"))?;
        let names = |exercise: &str| -> anyhow::Result<Vec<String>> {
            let programs = handout.programs(exercise)?;
            let mut names: Vec<_> = programs.into_iter().map(|program| program.name).collect();
            names.sort();
            Ok(names)
        };
        assert_eq!(names("fix-pipe-eof")?, ["fix-pipe-eof"]);
        let two = ["fix-fifo-open-reader", "fix-fifo-open-writer"];
        assert_eq!(names("fix-fifo-open")?, two);
        assert!(handout.programs("bash").is_err());
        Ok(())
    }

    #[test]
    fn the_copy_holds_what_exercises_import_and_no_more() -> anyhow::Result<()> {
        let project = Project::find()?;
        let cargo = Cargo::find(&project)?;
        let copy = tempfile::tempdir()?;
        let root = copy.path().join("ws");
        Handout::copy(&project, &cargo, &root)?;
        for path in ["Cargo.lock", "crates/tools/lesson/src/lib.rs"] {
            let original = fs::read(project.0.join(path))?;
            assert_eq!(fs::read(root.join(path))?, original, "{path}");
        }
        for path in [
            "crates/tools/ipc-grade/src/main.rs",
            "crates/exercises/fix-pipe-eof/src/main.rs",
        ] {
            assert_eq!(fs::read(root.join(path))?, STUB, "{path}");
        }
        for path in ["lesson/README.md", "ipc-grade/src/build/mod.rs"] {
            assert!(!root.join("crates/tools").join(path).exists(), "{path}");
        }
        Ok(())
    }

    /// A small project: an exercise, what it imports, and a tool.
    fn small(root: &Path) -> anyhow::Result<Project> {
        let base = "[dependencies]\nbase = { path = \"../../tools/base\" }\n";
        for (path, name, more) in [
            ("crates/exercises/one", "one", base),
            ("crates/tools/base", "base", ""),
            ("crates/tools/tool", "tool", ""),
        ] {
            let text = format!("[package]\nname = \"{name}\"\nedition = \"2024\"\n{more}");
            fs::create_dir_all(root.join(path).join("src"))?;
            fs::write(root.join(path).join("Cargo.toml"), text)?;
        }
        let workspace = "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*/*\"]\n";
        for (path, text) in [
            ("Cargo.toml", workspace),
            ("Cargo.lock", "version = 4\n"),
            ("crates/exercises/one/src/main.rs", "fn main() {}"),
            ("crates/tools/base/src/lib.rs", "//! Base."),
            ("crates/tools/base/src/main.rs", "fn main() {}"),
            ("crates/tools/tool/src/main.rs", "fn main() {}"),
        ] {
            fs::write(root.join(path), text)?;
        }
        Ok(Project(root.to_owned()))
    }

    #[test]
    fn the_digest_is_of_what_counts() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let root = folder.path().canonicalize()?.join("project");
        fs::create_dir(&root)?;
        let small = small(&root)?;
        let cargo = Cargo::find(&Project::find()?)?;
        let mut number = 0;
        let mut digest = || {
            number += 1;
            let to = folder.path().join(format!("copy-{number}"));
            Handout::copy(&small, &cargo, &to).map(|handout| handout.digest)
        };
        assert_eq!(digest()?, digest()?);
        for (path, counts) in [
            ("crates/tools/tool/src/main.rs", false),
            ("crates/tools/base/README.md", false),
            ("crates/tools/base/src/main.rs", false),
            ("crates/exercises/one/src/main.rs", false),
            ("crates/tools/base/src/lib.rs", true),
            ("crates/tools/base/src/more.rs", true),
            ("crates/exercises/one/Cargo.toml", true),
            ("Cargo.toml", true),
            ("Cargo.lock", true),
        ] {
            let before = digest()?;
            let file = root.join(path);
            let mut text = fs::read_to_string(&file).unwrap_or_default();
            text.push_str("\n# edited\n");
            fs::write(&file, text)?;
            assert_eq!(digest()? != before, counts, "{path}");
        }
        Ok(())
    }
}
