//! What a build sees and may use: its box or its uid, its environment, its file descriptors.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use nix::unistd::{SysconfVar, Uid, sysconf};

use super::cargo::Cargo;
use crate::bench;
use crate::boxed::bare_root;
use crate::exercise::Project;
use crate::isolation::{Isolation, become_uid};

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
/// Where the directories are in the box: always the same paths, because cargo compares them.
const BENCH: &str = "/grade";
/// The manifest of the copied handout there.
pub const MANIFEST: &str = "/grade/ws/Cargo.toml";
/// Where the programs around the compiler are.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl Cargo {
    /// cargo under another uid, or under our own at level 3.
    ///
    /// # Errors
    /// When that uid cannot reach the toolchain.
    pub fn bare(
        &self,
        isolation: &Isolation,
        project: &Project,
        ws: &Path,
        target: &Path,
        tmp: &Path,
    ) -> anyhow::Result<Command> {
        let home = self.make_home(isolation, &project.0.join("target/ipc-grade"))?;
        let mut words = Vec::new();
        if let Some(uid) = isolation.uid() {
            self.ensure_reachable(uid)?;
            let program = std::env::current_exe().context("the path of this program")?;
            words.push(program.to_string_lossy().into_owned());
            words.extend(["confine".into(), format!("--uid={uid}")]);
            for path in [&self.sysroot, &self.registry, &home, ws] {
                words.push(format!("--read={}", path.display()));
            }
            for path in [target, tmp] {
                words.push(format!("--write={}", path.display()));
            }
            words.push("--".into());
        }
        words.push("prlimit".into());
        words.extend(LIMITS.map(String::from));
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .arg(self.sysroot.join("bin/cargo"))
            // cargo reads .cargo/config.toml in the working directory and in all above it: anybody
            // may write one into /tmp.
            .current_dir("/")
            .env_clear()
            .env("PATH", PATH)
            .env("HOME", tmp)
            .env("TMPDIR", tmp)
            .env("LANG", "C.UTF-8")
            .env("CARGO_HOME", home)
            .env("CARGO_TARGET_DIR", target)
            .env("RUSTC", self.sysroot.join("bin/rustc"));
        Ok(command)
    }

    /// A CARGO_HOME that holds nothing but a link to the registry, and that the build cannot write.
    fn make_home(&self, isolation: &Isolation, shelf: &Path) -> anyhow::Result<PathBuf> {
        let home = home(isolation, shelf);
        let link = home.join("registry");
        let is_ours = |path: &Path| {
            let about = fs::symlink_metadata(path);
            about.is_ok_and(|about| about.uid() == Uid::effective().as_raw())
        };
        let is_made = is_ours(&home)
            && is_ours(&link)
            && fs::read_link(&link).is_ok_and(|to| to == self.registry);
        if is_made {
            return Ok(home);
        }
        // Several graders may do this at the same time, and a build may be reading: each step is a rename.
        let new = tempfile::Builder::new()
            .prefix("cargo-home.")
            .tempdir_in(shelf);
        let new = new.with_context(|| format!("mkdir below {}", shelf.display()))?;
        let mode = fs::Permissions::from_mode(0o755);
        fs::create_dir_all(&home).with_context(|| format!("mkdir {}", home.display()))?;
        chown(&home, Some(Uid::effective().as_raw()), None)
            .and_then(|()| fs::set_permissions(&home, mode))
            .with_context(|| format!("chown {}", home.display()))?;
        let fresh = new.path().join("registry");
        symlink(&self.registry, &fresh).with_context(|| format!("symlink {}", fresh.display()))?;
        fs::rename(&fresh, &link).with_context(|| format!("rename {}", fresh.display()))?;
        Ok(home)
    }

    /// Fails with a word about what to do, where that uid cannot run the compiler.
    fn ensure_reachable(&self, uid: u32) -> anyhow::Result<()> {
        let [setpriv, options @ ..] = become_uid(uid);
        let script = "[ -x \"$1\" ] && [ -r \"$2\" ]";
        let mut test = Command::new(setpriv);
        test.args(options)
            .args(["sh", "-c", script, "sh"])
            .arg(self.sysroot.join("bin/cargo"))
            .arg(&self.registry);
        let status = bench::status(&mut test).context("run setpriv")?;
        ensure!(
            status.success(),
            "uid {uid} cannot read {} or {}: install Rust where every user can read it \
             (RUSTUP_HOME=/opt/rustup CARGO_HOME=/opt/cargo, and both set when you grade)",
            self.sysroot.display(),
            self.registry.display()
        );
        Ok(())
    }

    /// cargo in a box of bubblewrap: it sees the toolchain, the sources of the dependencies, and
    /// the submission's own two directories.
    ///
    /// # Errors
    /// When a mount point cannot be made.
    pub fn boxed(
        &self,
        isolation: &Isolation,
        bench: &Path,
        ws: &Path,
        target: &Path,
    ) -> anyhow::Result<Command> {
        let mut words: Vec<String> = Vec::new();
        let (mut command, toolchain, crates) = match isolation.uid() {
            // The toolchain may lie below a directory that this uid cannot enter: root mounts it
            // elsewhere, in a mount namespace of its own, before it becomes that uid.
            Some(uid) => {
                let (toolchain, crates) = (bench.join("toolchain"), bench.join("registry"));
                for folder in [&toolchain, &crates] {
                    fs::create_dir_all(folder)
                        .with_context(|| format!("mkdir {}", folder.display()))?;
                }
                let script = "mount --make-rprivate / && mount --bind \"$1\" \"$2\" && \
                              mount --bind \"$3\" \"$4\" && shift 4 && exec \"$@\"";
                let mut command = Command::new("unshare");
                command.args(["--mount", "sh", "-c", script, "sh"]).args([
                    &self.sysroot,
                    &toolchain,
                    &self.registry,
                    &crates,
                ]);
                words.extend(become_uid(uid));
                (command, toolchain, crates)
            }
            None => {
                let command = Command::new("env");
                (command, self.sysroot.clone(), self.registry.clone())
            }
        };
        words.push("bwrap".into());
        words.extend(bare_root());
        for (kind, from, to) in [
            ("--ro-bind", toolchain.as_path(), "toolchain"),
            ("--ro-bind", &crates, "cargo/registry"),
            ("--ro-bind", ws, "ws"),
            ("--bind", target, "target"),
        ] {
            let from = from.to_string_lossy().into_owned();
            words.extend([kind.into(), from, format!("{BENCH}/{to}")]);
        }
        for (name, value) in [
            ("PATH", format!("{BENCH}/toolchain/bin:{PATH}")),
            ("CARGO_HOME", format!("{BENCH}/cargo")),
            ("CARGO_TARGET_DIR", format!("{BENCH}/target")),
            ("HOME", "/tmp".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
        ] {
            words.extend(["--setenv".into(), name.into(), value]);
        }
        words.extend(["--chdir", "/", "--", "prlimit"].map(String::from));
        words.extend(LIMITS.map(String::from));
        words.push("cargo".into());
        // The box's init is bwrap, whose environment every process in the box can read.
        command
            .args(words)
            .current_dir("/")
            .env_clear()
            .env("PATH", PATH);
        Ok(command)
    }
}

/// The CARGO_HOME that a build sees: always the same path, because cargo compares the paths of sources.
pub fn home(isolation: &Isolation, shelf: &Path) -> PathBuf {
    match isolation.level() {
        1 => PathBuf::from(BENCH).join("cargo"),
        _ => shelf.join("cargo-home"),
    }
}

/// Makes the command inherit nothing but its standard input, output and error, whatever our caller has left
/// open.
pub fn close_others(command: &mut Command) {
    let open_max = sysconf(SysconfVar::OPEN_MAX);
    let open_max = open_max.ok().flatten().unwrap_or(1024);
    let close = move || {
        // SAFETY: a system call with three numbers, which touches no memory of ours.
        let done = unsafe {
            libc::syscall(
                libc::SYS_close_range,
                3_u32,
                u32::MAX,
                libc::CLOSE_RANGE_CLOEXEC,
            )
        };
        // Linux before 5.11 cannot do that.
        if done != 0 {
            for fd in 3..open_max {
                // SAFETY: fcntl takes numbers here; a number that is no descriptor is only an error.
                unsafe { libc::fcntl(fd as libc::c_int, libc::F_SETFD, libc::FD_CLOEXEC) };
            }
        }
        Ok::<(), io::Error>(())
    };
    // SAFETY: the closure makes two system calls and no more: it neither allocates nor locks.
    unsafe { command.pre_exec(close) };
}
