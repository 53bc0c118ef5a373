//! The members of the workspace, as `cargo metadata` describes them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// A program that an exercise is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The name of its file.
    pub name: String,
    /// Its source below the package's directory.
    pub source: PathBuf,
}

/// The part of `cargo metadata` that is used here.
#[derive(Deserialize)]
pub struct Metadata {
    /// The members.
    pub packages: Vec<Package>,
}

/// A member.
#[derive(Deserialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
    /// What cargo builds from it: a library, programs, tests.
    pub targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Dependency {
    path: Option<PathBuf>,
    kind: Option<String>,
}

/// What cargo builds from one source file and its modules.
#[derive(Deserialize)]
pub struct Target {
    name: String,
    kind: Vec<String>,
    /// That source file.
    pub src_path: PathBuf,
}

impl Package {
    /// The directory of its manifest.
    pub fn directory(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(Path::new("/"))
    }

    /// Whether it is an exercise of the project in that directory.
    pub fn is_exercise(&self, root: &Path) -> bool {
        self.directory().parent() == Some(&root.join("crates/exercises"))
    }

    /// Its programs.
    pub fn programs(&self) -> Vec<Program> {
        let programs = self.targets.iter().filter(|target| target.is("bin"));
        programs
            .map(|target| Program {
                name: target.name.clone(),
                source: (target.src_path.strip_prefix(self.directory()))
                    .unwrap_or(&target.src_path)
                    .to_owned(),
            })
            .collect()
    }
}

impl Target {
    fn is(&self, kind: &str) -> bool {
        self.kind.iter().any(|other| other == kind)
    }

    /// Whether other crates never see it: a program, a test, an example or a benchmark.
    pub fn is_private(&self) -> bool {
        ["bin", "test", "example", "bench"]
            .iter()
            .any(|kind| self.is(kind))
    }
}

/// The directories of the crates that exercises import, and of those that these import.
pub fn needed<'a>(packages: &'a [Package], root: &Path) -> BTreeSet<&'a Path> {
    let mut needed = BTreeSet::new();
    let exercises = packages.iter().filter(|package| package.is_exercise(root));
    let mut open: Vec<&Package> = exercises.collect();
    while let Some(package) = open.pop() {
        for dependency in &package.dependencies {
            let is_dev = dependency.kind.as_deref() == Some("dev");
            let found = dependency.path.as_deref().filter(|_| !is_dev);
            let found = found.and_then(|path| {
                let mut packages = packages.iter();
                packages.find(|package| package.directory() == path)
            });
            if let Some(package) = found
                && needed.insert(package.directory())
            {
                open.push(package);
            }
        }
    }
    needed
}
