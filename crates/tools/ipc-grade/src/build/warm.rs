//! A target directory in which the dependencies of every exercise are built already.
//!
//! It is made once for all submissions, belongs to the grader's own user, and each submission gets a
//! copy of it.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail};
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::Uid;
use sha2::{Digest, Sha256};

use super::cargo::{Cargo, WORDS, give, run};
use super::confine;
use super::handout::{Handout, hex};
use crate::exercise::Project;
use crate::isolation::Isolation;

/// How long that build may take: what it compiles is trusted.
const LIMIT: Duration = Duration::from_secs(900);

/// Where a build gets what it begins with.
pub struct Warm<'a> {
    pub project: &'a Project,
    pub isolation: &'a Isolation,
    pub cargo: &'a Cargo,
    pub handout: &'a Handout,
    /// The directory of this grader, with the copy of the handout in `ws`.
    pub bench: &'a Path,
}

impl Warm<'_> {
    /// Makes the warm target directory unless it is there, and copies it to `to` if one is named.
    ///
    /// # Errors
    /// When the dependencies do not compile, or the file system refuses.
    pub fn provide(&self, to: Option<&Path>) -> anyhow::Result<()> {
        let shelf = self.project.0.join("target/ipc-grade");
        fs::create_dir_all(&shelf).with_context(|| format!("mkdir {}", shelf.display()))?;
        let name = format!("warm-{}", self.isolation.level());
        let warm = shelf.join(&name);
        let stamp = self.stamp(&shelf)?;
        let is_valid = || fs::read_to_string(warm.join("stamp")).is_ok_and(|text| text == stamp);
        // Several graders may copy at the same time. One grader makes it, and the others wait for that.
        // To turn a shared lock into an exclusive one is not atomic (flock(2)), so each is a new lock.
        loop {
            let shared = lock(&shelf, FlockArg::LockShared)?;
            if is_valid() {
                return copy(&warm.join("target"), to);
            }
            drop(shared);
            let _exclusive = lock(&shelf, FlockArg::LockExclusive)?;
            if !is_valid() {
                self.make(&shelf, &name, &stamp)?;
                return copy(&warm.join("target"), to);
            }
        }
    }

    /// Builds it beside its place, and moves it there once it is complete: the stamp lies inside it.
    fn make(&self, shelf: &Path, name: &str, stamp: &str) -> anyhow::Result<()> {
        let made = self.bench.join("warm");
        fs::create_dir(&made).with_context(|| format!("mkdir {}", made.display()))?;
        let words = self.words();
        let cargo = self.cargo;
        let built = cargo.build(
            self.isolation,
            self.project,
            self.bench,
            &made,
            &words,
            LIMIT,
        )?;
        if let Err(why) = built {
            bail!("the dependencies of the exercises do not compile in the box: {why}");
        }
        for directory in ["debug", "debug/deps"] {
            leave_out_programs(&made.join(directory))?;
        }
        for exercise in self.handout.exercises(self.project) {
            forget(&made, exercise)?;
        }
        give(&made, Uid::effective().as_raw())?;
        let (new, old) = (
            shelf.join(format!("{name}.new")),
            shelf.join(format!("{name}.old")),
        );
        // What a killed grader has left.
        for path in [&new, &old] {
            remove(path)?;
        }
        fs::create_dir(&new).with_context(|| format!("mkdir {}", new.display()))?;
        // Only the grader reads it.
        fs::set_permissions(&new, fs::Permissions::from_mode(0o700))
            .with_context(|| format!("chmod {}", new.display()))?;
        copy(&made, Some(&new.join("target")))?;
        let file = new.join("stamp");
        fs::write(&file, stamp).with_context(|| format!("write {}", file.display()))?;
        let warm = shelf.join(name);
        if warm.exists() {
            fs::rename(&warm, &old).with_context(|| format!("rename {}", warm.display()))?;
        }
        fs::rename(&new, &warm).with_context(|| format!("rename {}", new.display()))?;
        remove(&old)?;
        remove(&made)
    }

    fn words(&self) -> Vec<String> {
        let mut words = packages(&self.handout.exercises(self.project));
        words.push("--bins".into());
        words
    }

    /// Everything that the warm target directory depends on.
    fn stamp(&self, shelf: &Path) -> anyhow::Result<String> {
        let home = confine::home(self.isolation, shelf);
        let compiler = self.cargo.compiler()?;
        let level = self.isolation.level().to_string();
        let mut digest = Sha256::new();
        for piece in [
            &level,
            &compiler,
            &home.to_string_lossy().into_owned(),
            &WORDS.join(" "),
            &self.words().join(" "),
            &self.handout.digest,
        ] {
            digest.update((piece.len() as u64).to_le_bytes());
            digest.update(piece);
        }
        Ok(hex(digest))
    }
}

/// The words that select all exercises. Cargo gives a dependency the features that all selected packages
/// name together. So every build selects the same ones, or it finds nothing of what is built already.
pub fn packages(exercises: &[&str]) -> Vec<String> {
    let words = exercises.iter().flat_map(|name| ["-p", name]);
    words.map(str::to_owned).collect()
}

fn lock(shelf: &Path, how: FlockArg) -> anyhow::Result<Flock<File>> {
    let path = shelf.join("lock");
    let file = File::create(&path).with_context(|| format!("create {}", path.display()))?;
    let lock = Flock::lock(file, how).map_err(|(_, errno)| errno);
    lock.with_context(|| format!("flock {}", path.display()))
}

fn copy(warm: &Path, to: Option<&Path>) -> anyhow::Result<()> {
    let Some(to) = to else { return Ok(()) };
    let mut cp = Command::new("cp");
    run(cp.args(["-a", "--reflink=auto"]).arg(warm).arg(to))
}

/// Removes a directory that may not be there.
fn remove(path: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("rm -r {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Removes what cargo knows of an exercise, so that it compiles a submission whatever the clock says.
fn forget(target: &Path, exercise: &str) -> anyhow::Result<()> {
    let folder = target.join("debug/.fingerprint");
    for name in names(&folder)? {
        // NAME-HASH: the name of another package may begin with this one.
        let hash = (name.strip_prefix(exercise)).and_then(|rest| rest.strip_prefix('-'));
        if hash.is_some_and(|hash| !hash.contains('-')) {
            remove(&folder.join(&name))?;
        }
    }
    Ok(())
}

/// Removes the linked programs: each submission links its own, and a copy of them all would take longer.
fn leave_out_programs(folder: &Path) -> anyhow::Result<()> {
    for name in names(folder)? {
        let path = folder.join(name);
        let about =
            fs::symlink_metadata(&path).with_context(|| format!("lstat {}", path.display()))?;
        let is_program = about.is_file() && about.permissions().mode() & 0o111 != 0;
        // The compiler loads a procedural macro.
        if is_program && path.extension().is_none_or(|extension| extension != "so") {
            fs::remove_file(&path).with_context(|| format!("rm {}", path.display()))?;
        }
    }
    Ok(())
}

fn names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry.map(|entry| entry.file_name().to_string_lossy().into_owned())
    };
    let names: std::io::Result<Vec<_>> = entries.map(name).collect();
    names.with_context(|| format!("read {}", folder.display()))
}
