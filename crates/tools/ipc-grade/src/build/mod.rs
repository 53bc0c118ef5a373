//! Compiles a submission's sources over a pristine copy of the handout, offline and in a box.
//!
//! `handout` copies what a build needs of the `packages`. `warm` builds the dependencies once for all
//! submissions. `cargo` runs cargo, and `confine` says what that sees. `says` cuts what the compiler says
//! to a student's size.

mod cargo;
mod confine;
mod handout;
mod packages;
mod says;
mod warm;

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use crate::bench::Bench;
use crate::exercise::Project;
use crate::isolation::Isolation;
use cargo::Cargo;
use handout::Handout;
use packages::Program;
use warm::Warm;

/// How long the build of a submission may take.
const LIMIT: Duration = Duration::from_secs(180);

/// A directory in which one exercise of one submission is built, and from which it is tested.
pub struct Workshop<'a> {
    project: &'a Project,
    isolation: &'a Isolation,
    folder: Bench,
}

impl<'a> Workshop<'a> {
    /// A new one; nothing is copied into it before something is to be built.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(project: &'a Project, isolation: &'a Isolation) -> anyhow::Result<Self> {
        let folder = Bench::new()?;
        Ok(Self {
            project,
            isolation,
            folder,
        })
    }

    /// Builds what every submission's build begins with, if that has not been done.
    ///
    /// # Errors
    /// When the dependencies do not compile in the box.
    pub fn prepare(&self) -> anyhow::Result<()> {
        let cargo = Cargo::find(self.project)?;
        let handout = Handout::copy(self.project, &cargo, &self.path("ws"))?;
        self.warm(&cargo, &handout, None)
    }

    /// A directory for what tests leave behind.
    pub fn scratch(&self) -> &Path {
        self.folder.path()
    }

    /// Builds the exercise's programs from these sources, and returns the directory that holds them; or
    /// what the compiler says.
    ///
    /// # Errors
    /// When the grader fails, not the compiler.
    pub fn build(
        &self,
        exercise: &str,
        sources: &[(PathBuf, Vec<u8>)],
    ) -> anyhow::Result<Result<PathBuf, String>> {
        let (ws, target) = (self.path("ws"), self.path("target"));
        let cargo = Cargo::find(self.project)?;
        let handout = Handout::copy(self.project, &cargo, &ws)?;
        // Only these are built and taken. A submission's own src/bin/bash.rs would be a test's bash.
        let programs = handout.programs(exercise)?;
        if let Some(program) = programs.iter().find(|program| !has(sources, program)) {
            return Ok(Err(missing(program)));
        }
        self.warm(&cargo, &handout, Some(&target))?;
        write(&ws.join("crates/exercises").join(exercise), sources)?;
        let mut words = warm::packages(&handout.exercises(self.project));
        for program in &programs {
            words.extend(["--bin".into(), program.name.clone()]);
        }
        let folder = self.folder.path();
        let built = cargo.build(self.isolation, self.project, folder, &target, &words, LIMIT)?;
        if let Err(text) = built {
            return Ok(Err(format!("it does not compile:\n{text}")));
        }
        let bin = self.path("bin");
        fs::create_dir(&bin).with_context(|| format!("mkdir {}", bin.display()))?;
        for program in &programs {
            let (from, to) = (
                target.join("debug").join(&program.name),
                bin.join(&program.name),
            );
            // What lies there was made by the student's build: no link is followed.
            if !fs::symlink_metadata(&from).is_ok_and(|about| about.is_file()) {
                return Ok(Err(missing(program)));
            }
            fs::copy(&from, &to).with_context(|| format!("copy {}", from.display()))?;
            allow(&to, 0o755)?;
        }
        // Nobody but this submission's uid may run or read its programs, and nobody may change them.
        match self.isolation.uid() {
            Some(uid) => {
                chown(&bin, None, Some(uid)).with_context(|| format!("chown {}", bin.display()))?;
                allow(&bin, 0o750)?;
            }
            None => allow(&bin, 0o700)?,
        }
        // What only the build needed is not there when the programs run.
        for folder in [ws, target, self.path("tmp")] {
            fs::remove_dir_all(&folder).with_context(|| format!("rm -r {}", folder.display()))?;
        }
        Ok(Ok(bin))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn warm(&self, cargo: &Cargo, handout: &Handout, to: Option<&Path>) -> anyhow::Result<()> {
        let warm = Warm {
            project: self.project,
            isolation: self.isolation,
            cargo,
            handout,
            bench: self.folder.path(),
        };
        warm.provide(to)
    }
}

/// Whether the sources hold that program, where cargo looks for it.
fn has(sources: &[(PathBuf, Vec<u8>)], program: &Program) -> bool {
    let bin = Path::new("src/bin").join(&program.name);
    let places = [
        program.source.clone(),
        Path::new("src/bin").join(format!("{}.rs", program.name)),
        bin.join("main.rs"),
    ];
    let mut sources = sources.iter();
    sources.any(|(path, _)| places.contains(&Path::new("src").join(path)))
}

fn missing(program: &Program) -> String {
    let (name, source) = (&program.name, program.source.display());
    format!("the program {name} is missing: {source}")
}

/// Puts a submission's sources in place of the package's own.
fn write(package: &Path, sources: &[(PathBuf, Vec<u8>)]) -> anyhow::Result<()> {
    let src = package.join("src");
    fs::remove_dir_all(&src).with_context(|| format!("rm -r {}", src.display()))?;
    for (path, text) in sources {
        let path = src.join(path);
        let folder = path.parent().context("a source without a directory")?;
        fs::create_dir_all(folder).with_context(|| format!("mkdir {}", folder.display()))?;
        fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

fn allow(path: &Path, mode: u32) -> anyhow::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .with_context(|| format!("chmod {}", path.display()))
}
