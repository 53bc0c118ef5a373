//! Compiles a submission's sources over a pristine copy of the handout, offline and in a box.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::{Uid, User};

use crate::bench::{self, Bench};
use crate::boxed::bare_root;
use crate::exercise::Project;
use crate::isolation::{Isolation, become_uid};

/// How long the build of a submission may take.
const LIMIT: Duration = Duration::from_secs(180);
/// The same for what all submissions need: the handout and its dependencies, which are our own.
const WARM_LIMIT: Duration = Duration::from_secs(900);
/// What a build may use at most: see prlimit(1). The compiler of an honest submission takes some
/// 200 MiB of memory; what it reserves and does not use counts among --as alone.
const LIMITS: [&str; 6] = [
    "--nproc=256",
    "--as=4294967296",
    "--data=671088640",
    "--fsize=536870912",
    "--cpu=150",
    "--core=0",
];
/// Where things are in the box: always the same paths, so that cargo finds what it has built before.
const BENCH: &str = "/grade";

/// A folder in which one exercise of one submission is built, and from which it is tested.
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
    /// When the handout does not compile in the box.
    pub fn prepare(&self) -> anyhow::Result<()> {
        self.stock(&self.path("ws"))?;
        self.warm().map(drop)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A folder for what tests leave behind.
    pub fn scratch(&self) -> &Path {
        self.folder.path()
    }

    /// Copies the handout: what a build needs of the project.
    fn stock(&self, to: &Path) -> anyhow::Result<()> {
        fs::create_dir(to).with_context(|| format!("mkdir {}", to.display()))?;
        let parts = ["Cargo.toml", "Cargo.lock", "crates"].map(|it| self.project.0.join(it));
        run(Command::new("cp").arg("-a").args(parts).arg(to))
    }

    /// Builds the exercise's programs with these sources, and returns the folder with them; or what
    /// the compiler says.
    ///
    /// # Errors
    /// When the grader fails, not the compiler.
    pub fn build(
        &self,
        exercise: &str,
        sources: &[(PathBuf, Vec<u8>)],
    ) -> anyhow::Result<Result<PathBuf, String>> {
        let target = self.path("target");
        self.stock(&self.path("ws"))?;
        let (warm, lock) = self.warm()?;
        run(Command::new("cp")
            .args(["-a", "--reflink=auto"])
            .arg(warm)
            .arg(&target))?;
        drop(lock);

        let src = self.path("ws/crates/exercises").join(exercise).join("src");
        fs::remove_dir_all(&src).with_context(|| format!("rm {}", src.display()))?;
        for (path, text) in sources {
            let path = src.join(path);
            let folder = path.parent().context("a source without a folder")?;
            fs::create_dir_all(folder).with_context(|| format!("mkdir {}", folder.display()))?;
            fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
        }
        let says = self.path("build.txt");
        let built = self.cargo(&self.path("ws"), &target, &["-p", exercise], &says, LIMIT)?;
        if !built {
            let text = fs::read(&says).with_context(|| format!("read {}", says.display()))?;
            let text = String::from_utf8_lossy(&text);
            let short: String = text.chars().take(4000).collect();
            return Ok(Err(format!("it does not compile:\n{short}")));
        }
        let bin = self.path("bin");
        fs::create_dir(&bin).with_context(|| format!("mkdir {}", bin.display()))?;
        for name in programs(&src, exercise) {
            let from = target.join("debug").join(&name);
            // What lies there was made by the student's build: no link is followed.
            if fs::symlink_metadata(&from).is_ok_and(|it| it.is_file()) {
                let to = bin.join(&name);
                fs::copy(&from, &to).with_context(|| format!("copy {}", from.display()))?;
                let mode = fs::Permissions::from_mode(0o755);
                fs::set_permissions(&to, mode)
                    .with_context(|| format!("chmod {}", to.display()))?;
            }
        }
        Ok(Ok(bin))
    }

    /// A target folder in which all that exercises need is built; made once for all submissions. Each of
    /// them gets a copy. While the lock is held no other grader makes it anew.
    fn warm(&self) -> anyhow::Result<(PathBuf, Flock<File>)> {
        let shelf = self.project.0.join("target/ipc-grade");
        fs::create_dir_all(&shelf).with_context(|| format!("mkdir {}", shelf.display()))?;
        let target = shelf.join(format!("warm-{}", self.isolation.level()));
        // One grader builds it, the others wait for that.
        let lock = shelf.join("lock");
        let lock = File::create(&lock).with_context(|| format!("create {}", lock.display()))?;
        let lock = Flock::lock(lock, FlockArg::LockExclusive)
            .map_err(|(_, errno)| errno)
            .context("flock")?;
        let (stamp, file) = (
            self.stamp()?,
            shelf.join(format!("stamp-{}", self.isolation.level())),
        );
        if fs::read_to_string(&file).is_ok_and(|it| it == stamp) && target.is_dir() {
            // Several may copy it at a time.
            lock.relock(FlockArg::LockShared).context("flock")?;
            return Ok((target, lock));
        }
        let _ = fs::remove_dir_all(&target);
        fs::create_dir(&target).with_context(|| format!("mkdir {}", target.display()))?;
        let says = self.path("warm.txt");
        let exercises = self.project.exercises()?;
        let packages: Vec<_> = exercises
            .iter()
            .flat_map(|it| ["-p", it.name.as_str()])
            .collect();
        let built = self.cargo(&self.path("ws"), &target, &packages, &says, WARM_LIMIT)?;
        ensure!(
            built,
            "the handout does not compile in the box: {}",
            fs::read_to_string(&says).unwrap_or_default()
        );
        for folder in ["debug", "debug/deps"] {
            leave_out_programs(&target.join(folder))?;
        }
        fs::write(&file, stamp).with_context(|| format!("write {}", file.display()))?;
        lock.relock(FlockArg::LockShared).context("flock")?;
        Ok((target, lock))
    }

    /// What the warm target folder depends on: the sources, by their paths, sizes and times (not the
    /// pages). In whole seconds: a container's image may keep no more, and cargo looks for itself.
    fn stamp(&self) -> anyhow::Result<String> {
        let mut find = Command::new("find");
        find.args([
            "Cargo.toml",
            "Cargo.lock",
            "crates",
            // A file that an editor removes meanwhile is no error.
            "-ignore_readdir_race",
            "-type",
            "f",
            "!",
            "-name",
            "*.md",
            "-printf",
            "%p %s %Ts\n",
        ])
        .current_dir(&self.project.0);
        let list = printed(&mut find)?;
        let mut lines: Vec<_> = list.lines().collect();
        lines.sort();
        Ok(lines.join("\n"))
    }

    /// Runs cargo build; whether it succeeded. What it says goes into a file.
    fn cargo(
        &self,
        ws: &Path,
        target: &Path,
        packages: &[&str],
        says: &Path,
        limit: Duration,
    ) -> anyhow::Result<bool> {
        if let Some(uid) = self.isolation.uid() {
            for folder in [ws, target] {
                give(folder, uid)?;
            }
        }
        let sysroot = printed(Command::new("rustc").args(["--print", "sysroot"]))?;
        let registry = cargo_home()?.join("registry");

        let mut command = match self.isolation.level() {
            1 => self.boxed(ws, target, &sysroot, &registry)?,
            _ => {
                let mut words = self
                    .isolation
                    .uid()
                    .map_or(Vec::new(), |uid| become_uid(uid).to_vec());
                words.push("prlimit".into());
                words.extend(LIMITS.map(String::from));
                // A CARGO_HOME that this uid may write, with the crates of ours; always at the same
                // path, so that cargo finds what it has built before.
                let home = self.project.0.join("target/ipc-grade/home");
                if !home.is_dir() {
                    fs::create_dir(&home).with_context(|| format!("mkdir {}", home.display()))?;
                }
                let link = home.join("registry");
                if fs::read_link(&link).ok().as_ref() != Some(&registry) {
                    let _ = fs::remove_file(&link);
                    symlink(&registry, &link)
                        .with_context(|| format!("symlink {}", link.display()))?;
                }
                if let Some(uid) = self.isolation.uid() {
                    give(&home, uid)?;
                }
                let mut command = Command::new(&words[0]);
                command
                    .args(&words[1..])
                    .arg(format!("{sysroot}/bin/cargo"))
                    .current_dir(ws);
                command
                    .env("CARGO_TARGET_DIR", target)
                    .env("CARGO_HOME", &home)
                    .env("RUSTC", format!("{sysroot}/bin/rustc"));
                command
            }
        };
        let output = File::create(says).with_context(|| format!("create {}", says.display()))?;
        let errors = output.try_clone().context("dup")?;
        command
            .args([
                "build",
                "--quiet",
                "--offline",
                "--locked",
                "--bins",
                "--color=never",
                // Nobody compiles the same submission again here, and each would have a copy of that.
                "--config=profile.dev.incremental=false",
            ])
            .args(packages)
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .process_group(0);
        let started = Instant::now();
        let mut child = bench::spawn(&mut command).context("run cargo in its box")?;
        match bench::wait(&mut child, limit)? {
            // Not the compiler's doing, and so not the student's. bwrap passes on what ended cargo
            // as 128 + signal, as a shell does.
            Some(status) if status.signal().is_some() || status.code() > Some(128) => {
                bail!("the build was killed: {status}")
            }
            Some(status) => {
                let text = fs::read_to_string(says).unwrap_or_default();
                // At its limit of processor time the kernel kills the compiler: that is the student's.
                let killed = |it: &str| {
                    it.trim_start().starts_with("process didn't exit")
                        && it.ends_with("(signal: 9, SIGKILL: kill)")
                };
                ensure!(
                    started.elapsed() > limit / 4 || !text.lines().any(killed),
                    "the compiler was killed: is there too little memory?"
                );
                Ok(status.success())
            }
            None => {
                let text = format!("the build was ended after {} s\n", limit.as_secs());
                fs::write(says, text).with_context(|| format!("write {}", says.display()))?;
                Ok(false)
            }
        }
    }

    /// cargo in a box of bubblewrap: it sees the toolchain, the sources of the dependencies, and
    /// its own two folders.
    fn boxed(
        &self,
        ws: &Path,
        target: &Path,
        sysroot: &str,
        registry: &Path,
    ) -> anyhow::Result<Command> {
        let (toolchain, crates) = (self.path("toolchain"), self.path("registry"));
        let mut words: Vec<String> = Vec::new();
        let mut command = match self.isolation.uid() {
            // The toolchain may lie below a folder that this uid cannot enter: root mounts it
            // elsewhere, in a mount namespace of its own, before it becomes that uid.
            Some(uid) => {
                for folder in [&toolchain, &crates] {
                    fs::create_dir_all(folder)
                        .with_context(|| format!("mkdir {}", folder.display()))?;
                }
                let script = "mount --make-rprivate / && mount --bind \"$1\" \"$2\" && \
                              mount --bind \"$3\" \"$4\" && shift 4 && exec \"$@\"";
                let mut command = Command::new("unshare");
                command
                    .args(["--mount", "sh", "-c", script, "sh", sysroot])
                    .arg(&toolchain);
                command.arg(registry).arg(&crates);
                words.extend(become_uid(uid));
                command
            }
            None => {
                words.push("env".into());
                Command::new("env")
            }
        };
        let (toolchain, crates) = match self.isolation.uid() {
            Some(_) => (toolchain, crates),
            None => (PathBuf::from(sysroot), registry.to_owned()),
        };
        words.push("bwrap".into());
        words.extend(bare_root());
        let mut bind = |kind: &str, from: &Path, to: &str| {
            words.extend([
                kind.into(),
                from.to_string_lossy().into_owned(),
                format!("{BENCH}/{to}"),
            ]);
        };
        bind("--ro-bind", &toolchain, "toolchain");
        bind("--ro-bind", &crates, "cargo/registry");
        bind("--bind", ws, "ws");
        bind("--bind", target, "target");
        let set = [
            (
                "PATH",
                format!("{BENCH}/toolchain/bin:/usr/local/bin:/usr/bin:/bin"),
            ),
            ("CARGO_HOME", format!("{BENCH}/cargo")),
            ("CARGO_TARGET_DIR", format!("{BENCH}/target")),
            ("HOME", "/tmp".to_owned()),
        ];
        for (name, value) in set {
            words.extend(["--setenv".into(), name.into(), value]);
        }
        words.extend([
            "--chdir".into(),
            format!("{BENCH}/ws"),
            "--".into(),
            "prlimit".into(),
        ]);
        words.extend(LIMITS.map(String::from));
        words.push("cargo".into());
        command.args(words);
        Ok(command)
    }
}

/// The programs of an exercise, by its sources.
fn programs(src: &Path, exercise: &str) -> Vec<String> {
    let mut names = vec![exercise.to_owned()];
    for entry in fs::read_dir(src.join("bin"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let path = entry.path();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        names.push(stem.into_owned());
    }
    names
}

/// Removes the programs that have been linked there: each submission links its own, and half of what is
/// copied for it would be those of others.
fn leave_out_programs(folder: &Path) -> anyhow::Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
    for entry in entries {
        let path = entry
            .with_context(|| format!("read {}", folder.display()))?
            .path();
        let about =
            fs::symlink_metadata(&path).with_context(|| format!("lstat {}", path.display()))?;
        let is_program = about.is_file() && about.permissions().mode() & 0o111 != 0;
        // A procedural macro is loaded by the compiler.
        if is_program && path.extension().is_none_or(|it| it != "so") {
            fs::remove_file(&path).with_context(|| format!("rm {}", path.display()))?;
        }
    }
    Ok(())
}

/// Gives a folder and all that is in it to that uid.
fn give(folder: &Path, uid: u32) -> anyhow::Result<()> {
    let owner = format!("{uid}:{uid}");
    run(Command::new("chown")
        .args(["-R", "--no-dereference", &owner])
        .arg(folder))?;
    chown(folder, Some(uid), Some(uid)).with_context(|| format!("chown {}", folder.display()))
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = bench::status(command).with_context(|| format!("run {name}"))?;
    ensure!(status.success(), "{name} failed: {status}");
    Ok(())
}

/// What it prints, if it succeeds.
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

fn printed(command: &mut Command) -> anyhow::Result<String> {
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
