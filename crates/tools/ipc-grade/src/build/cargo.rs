//! Runs cargo offline, confined.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use nix::unistd::{Uid, User};

use super::{confine, says};
use crate::bench;
use crate::exercise::Project;
use crate::isolation::Isolation;

/// What every build has in common.
pub const WORDS: [&str; 7] = [
    "build",
    "--quiet",
    "--offline",
    "--locked",
    "--message-format=json",
    "--color=never",
    // Nobody compiles the same submission again here, and each would have a copy of that.
    "--config=profile.dev.incremental=false",
];
/// The toolchain and the sources of the dependencies.
pub struct Cargo {
    /// The toolchain's directory.
    pub sysroot: PathBuf,
    /// The sources that cargo has fetched.
    pub registry: PathBuf,
}

impl Cargo {
    /// Those that this user builds the project with.
    ///
    /// # Errors
    /// When there is no Rust.
    pub fn find(project: &Project) -> anyhow::Result<Self> {
        let mut rustc = Command::new("rustc");
        rustc.args(["--print", "sysroot"]).current_dir(&project.0);
        Ok(Self {
            sysroot: printed(&mut rustc)?.into(),
            registry: cargo_home()?.join("registry"),
        })
    }

    /// The compiler's version and what it compiles for.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn compiler(&self) -> anyhow::Result<String> {
        printed(Command::new(self.sysroot.join("bin/rustc")).arg("-vV"))
    }

    /// The command that describes the members of the workspace in that directory.
    pub fn metadata(&self, root: &Path) -> Command {
        let mut command = Command::new(self.sysroot.join("bin/cargo"));
        command.args(["metadata", "--no-deps", "--offline", "--format-version=1"]);
        command.arg("--manifest-path").arg(root.join("Cargo.toml"));
        // cargo reads the configuration in the working directory and above it: see `bare`.
        command.current_dir("/");
        command
    }

    /// Builds what `words` say from `bench/ws`; or says why that does not compile.
    ///
    /// # Errors
    /// When the grader fails, not the compiler.
    pub fn build(
        &self,
        isolation: &Isolation,
        project: &Project,
        bench: &Path,
        target: &Path,
        words: &[String],
        limit: Duration,
    ) -> anyhow::Result<Result<(), String>> {
        let (ws, tmp) = (bench.join("ws"), bench.join("tmp"));
        fs::create_dir_all(&tmp).with_context(|| format!("mkdir {}", tmp.display()))?;
        for folder in [&ws, target, &tmp] {
            let mode = fs::Permissions::from_mode(0o700);
            fs::set_permissions(folder, mode)
                .with_context(|| format!("chmod {}", folder.display()))?;
            if let Some(uid) = isolation.uid() {
                give(folder, uid)?;
            }
        }
        let mut command = match isolation.level() {
            1 => self.boxed(isolation, bench, &ws, target)?,
            _ => self.bare(isolation, project, &ws, target, &tmp)?,
        };
        let (says, complains) = (bench.join("cargo.json"), bench.join("cargo.txt"));
        command
            .args(WORDS)
            .arg("--manifest-path")
            .arg(match isolation.level() {
                1 => confine::MANIFEST.into(),
                _ => ws.join("Cargo.toml"),
            })
            .args(words)
            .stdin(Stdio::null())
            .stdout(private_file(&says)?)
            .stderr(private_file(&complains)?)
            .process_group(0);
        confine::close_others(&mut command);
        let started = Instant::now();
        let mut child = bench::spawn(&mut command).context("run cargo in its box")?;
        let ended = bench::wait(&mut child, limit)?;
        let says = says::Says::read(&says, &complains)?;
        match ended {
            // Not the compiler's doing, and so not the student's. bwrap passes on what ended cargo
            // as 128 + signal, as a shell does.
            Some(status) if status.signal().is_some() || status.code() > Some(128) => {
                bail!("the build was killed: {status}")
            }
            Some(status) if status.success() => Ok(Ok(())),
            Some(_) => {
                // At its limit of processor time the kernel kills the compiler: that is the student's.
                ensure!(
                    started.elapsed() > limit / 4 || !says.is_compiler_killed(),
                    "the compiler was killed: is there too little memory?"
                );
                Ok(Err(says.short()))
            }
            None => Ok(Err(format!(
                "the build was ended after {} s\n",
                limit.as_secs()
            ))),
        }
    }
}

/// A new file that only this user can open.
fn private_file(path: &Path) -> anyhow::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options
        .open(path)
        .with_context(|| format!("create {}", path.display()))
}

/// Gives a directory and all that is in it to that uid.
pub fn give(folder: &Path, uid: u32) -> anyhow::Result<()> {
    let owner = format!("{uid}:{uid}");
    run(Command::new("chown")
        .args(["-R", "--no-dereference", &owner])
        .arg(folder))
}

/// Runs a command that has to succeed.
pub fn run(command: &mut Command) -> anyhow::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = bench::status(command).with_context(|| format!("run {name}"))?;
    ensure!(status.success(), "{name} failed: {status}");
    Ok(())
}

/// Where cargo keeps what it has fetched.
fn cargo_home() -> anyhow::Result<PathBuf> {
    if let Some(home) = std::env::var_os("CARGO_HOME") {
        return Ok(home.into());
    }
    // Where no HOME is set (cron, systemd), cargo takes what the user database says.
    let home = match std::env::var_os("HOME") {
        Some(home) => home.into(),
        None => {
            let user = User::from_uid(Uid::current()).context("getpwuid")?;
            user.context("this uid is no user's, and HOME is not set")?
                .dir
        }
    };
    Ok(home.join(".cargo"))
}

/// What a command prints, if it succeeds.
pub fn printed(command: &mut Command) -> anyhow::Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = bench::output(command).with_context(|| format!("run {name}"))?;
    let (status, errors) = (output.status, String::from_utf8_lossy(&output.stderr));
    ensure!(
        status.success(),
        "{name} failed: {status}: {}",
        errors.trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
