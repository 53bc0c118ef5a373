//! Tests that students have not got: an instructor's folder of further test files.

use std::fs::{self, DirBuilder};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::exercise::{Exercise, Project, Test};

/// Adds the tests in `FOLDER/EXERCISE.bats` to those of the exercise.
///
/// # Errors
/// When the folder holds a test file for no exercise, one without points, one that is no bash, or one in which
/// bash could evaluate what a student's program wrote.
pub fn add(project: &Project, folder: &Path, exercises: &mut [Exercise]) -> anyhow::Result<()> {
    let read = || format!("read {}", folder.display());
    let mut any = false;
    for entry in fs::read_dir(folder).with_context(read)? {
        let file = entry.with_context(read)?.path();
        if file.extension().is_none_or(|it| it != "bats") {
            continue;
        }
        any = true;
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let known = project.exercise(&name);
        known.with_context(|| format!("{} is for no exercise", file.display()))?;
        parse(&file)?;
        evaluates_nothing(project, &file)?;
        if let Some(exercise) = exercises.iter_mut().find(|it| it.name == name) {
            exercise.tests.extend(Test::all(&file, true)?);
        }
    }
    ensure!(any, "{} holds no EXERCISE.bats", folder.display());
    Ok(())
}

/// Refuses a folder whose tests would not be run as they should be.
///
/// # Errors
/// As [`add`], and when it holds tests for other exercises than these, or none for any of them.
pub fn look_at(project: &Project, folder: &Path, names: &[String]) -> anyhow::Result<()> {
    let mut exercises = project.exercises()?;
    for exercise in &mut exercises {
        exercise.tests.clear();
    }
    add(project, folder, &mut exercises)?;
    for exercise in exercises.iter().filter(|it| !it.tests.is_empty()) {
        let name = &exercise.name;
        let file = folder.join(format!("{name}.bats"));
        let file = file.display();
        ensure!(
            names.contains(name),
            "{file} is for none of these exercises: {}",
            names.join(" ")
        );
    }
    Ok(())
}

/// Has bash read a test file without running it, each test as the function that bats makes of it: what is
/// wrong there is not the student's fault.
fn parse(file: &Path) -> anyhow::Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    // `@test "…" {`, and whatever follows in that line.
    let function = |line: &str| match line.trim_start().strip_prefix("@test ") {
        Some(test) => test.rsplit_once(" {").map_or_else(
            || format!("{line}\n"),
            |it| format!("a_test() {{{}\n", it.1),
        ),
        None => format!("{line}\n"),
    };
    let script: String = text.lines().map(function).collect();
    let mut bash = Command::new("bash")
        .args(["-n", "/dev/stdin"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("run bash")?;
    if let Some(mut stdin) = bash.stdin.take() {
        // It may have found its mistake before the end.
        let _ = stdin.write_all(script.as_bytes());
    }
    let output = bash.wait_with_output().context("wait for bash")?;
    let told = String::from_utf8_lossy(&output.stderr).replace("/dev/stdin: ", "");
    ensure!(
        output.status.success(),
        "{}: {}",
        file.display(),
        told.trim().replace('\n', "; ")
    );
    Ok(())
}

/// Refuses a test file in which bash could run a command that stands in a student's text, such as
/// `a[$(command)]` in arithmetic. `scripts/check-evaluation` looks for the places.
fn evaluates_nothing(project: &Project, file: &Path) -> anyhow::Result<()> {
    let checker = project.0.join("scripts/check-evaluation");
    let output = Command::new("awk")
        .arg("-f")
        .arg(&checker)
        .arg(file)
        .stdin(Stdio::null())
        .output()
        .context("run awk")?;
    let found = String::from_utf8_lossy(&output.stdout);
    let failed = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "bash must not evaluate what a student wrote: {}",
        format!("{found}{failed}").trim().replace('\n', "; ")
    );
    Ok(())
}

/// A copy of the test file beside what it loads, where nobody else can read it.
///
/// # Errors
/// When it cannot be made.
pub fn stage(project: &Project, file: &Path, scratch: &Path) -> anyhow::Result<PathBuf> {
    let tests = scratch.join("hidden/tests");
    let exercises = tests.join("exercises");
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&exercises)
        .with_context(|| format!("mkdir {}", exercises.display()))?;
    for name in ["harness.bash", "exercise.bash", "expected"] {
        let link = tests.join(name);
        if !link.exists() {
            symlink(project.0.join("tests").join(name), &link)
                .with_context(|| format!("symlink {}", link.display()))?;
        }
    }
    let to = exercises.join(file.file_name().unwrap_or_default());
    fs::copy(file, &to).with_context(|| format!("copy {}", file.display()))?;
    Ok(to)
}
