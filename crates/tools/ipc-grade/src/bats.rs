//! Runs one test of an exercise, and reads what came of it.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File};
use std::io::Read;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};

use crate::bench;
use crate::exercise::{Exercise, Test};
use crate::explain::explain;
use crate::results::{Status, TestResult};

/// How long one test may take, in the worst case of all its deadlines.
const LIMIT: Duration = Duration::from_secs(120);

/// How large a picture may be, in bytes.
const LARGEST_PICTURE: u64 = 64 << 10;

/// How many findings of a test are told.
const MOST_FINDINGS: usize = 8;

/// How much of what a test prints is read, in bytes.
const LARGEST_REPORT: u64 = 256 << 10;

/// What a test needs to know about where it runs.
pub struct Setting<'a> {
    /// Where the student's programs are.
    pub bin: PathBuf,
    /// Where our own programs are: ipc-trace, ipc-grade.
    pub tools: PathBuf,
    /// The bats to run.
    pub bats: PathBuf,
    /// The command that makes a box for a test (see tests/exercise.bash); none on one's own machine.
    pub box_command: Option<String>,
    /// Words in front of bats, for namespaces of its own.
    pub enter: Vec<String>,
    /// A folder for what bats leaves behind.
    pub scratch: &'a Path,
}

/// Runs the test and says how it came out.
///
/// # Errors
/// When bats cannot be run: that is the grader's failure.
pub fn run(setting: &Setting, exercise: &Exercise, test: &Test) -> anyhow::Result<TestResult> {
    let mut report = run_once(setting, test)?;
    // The box was ended from outside, then the test is repeated; or by the student's program, then
    // that happens again.
    if !report.box_failure.is_empty() {
        report = run_once(setting, test)?;
    }
    let failure = report.box_failure.trim();
    ensure!(!failure.starts_with("no box"), "{failure}");
    let mut result = judge(&report, setting.box_command.is_some(), exercise, test)?;
    if result.status == Status::Failed {
        result.picture = report.picture;
    }
    Ok(result.bounded())
}

/// What came of a run of bats.
struct Report {
    /// What bats and the test have printed, with the words of the student's programs among it: for the
    /// student to read, and no evidence of anything.
    text: String,
    /// How bats ended; `None` if it was late.
    status: Option<ExitStatus>,
    /// What the test itself says in its teardown, in a file that no program of the student's can reach.
    verdict: Option<Word>,
    /// What went wrong with the box, and so with the grader.
    box_failure: String,
    /// What ipc-trace has drawn of a hang, if there was one.
    picture: String,
}

/// The verdict of tests/exercise.bash: see `tell_verdict` there.
struct Word {
    /// `passed`, `failed` or `not-run`.
    word: String,
    /// System calls for which the filter has killed a program.
    findings: Vec<String>,
    /// The hint, or the reason.
    text: String,
}

impl Word {
    /// Reads it; `None` unless it begins with the number of this run.
    fn read(file: &Path, nonce: &str) -> anyhow::Result<Option<Self>> {
        let text = fs::read(file).with_context(|| format!("read {}", file.display()))?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let mut lines = text.lines();
        if lines.next() != Some(nonce) {
            return Ok(None);
        }
        let word = lines.next().unwrap_or("").to_owned();
        let (findings, text): (Vec<_>, Vec<_>) =
            lines.partition(|line| line.starts_with("finding "));
        let findings = findings.iter().map(|line| line.replacen("finding ", "", 1));
        Ok(Some(Self {
            word,
            findings: findings.take(MOST_FINDINGS).collect(),
            text: text.join("\n"),
        }))
    }
}

/// A number that nobody can know beforehand.
fn nonce() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    let random = || "read /dev/urandom";
    let mut file = File::open("/dev/urandom").with_context(random)?;
    file.read_exact(&mut bytes).with_context(random)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn run_once(setting: &Setting, test: &Test) -> anyhow::Result<Report> {
    // Where a program under another uid cannot look, whatever its name.
    let scratch = setting.scratch.join("judge");
    if !scratch.is_dir() {
        DirBuilder::new()
            .mode(0o700)
            .create(&scratch)
            .with_context(|| format!("mkdir {}", scratch.display()))?;
    }
    let empty = |name: &str| -> anyhow::Result<PathBuf> {
        let file = scratch.join(name);
        File::create(&file).with_context(|| format!("create {}", file.display()))?;
        Ok(file)
    };
    let (box_failure, picture) = (empty("box-failure")?, empty("hang.svg")?);
    let (verdict, nonce) = (empty("verdict")?, nonce()?);
    let report = empty("report.tap")?;
    let output = File::create(&report).with_context(|| format!("create {}", report.display()))?;
    let errors = output.try_clone().context("dup")?;
    let mut words = (setting.enter.iter())
        .map(AsRef::<OsStr>::as_ref)
        .chain([setting.bats.as_ref()]);
    let mut command = Command::new(words.next().context("no bats")?);
    command
        .args(words)
        .args([
            "--tap",
            "--filter",
            &format!("^{}$", pattern(&test.title())),
        ])
        .arg(&test.file)
        .env_clear()
        .envs(bench::environment())
        // What bats and a test make goes with the grader, also when a signal ends them.
        .env("TMPDIR", &scratch)
        .env("IPC_LAB_TMP", setting.scratch)
        .env("IPC_LAB_BIN", &setting.bin)
        .env("IPC_LAB_TOOLS", &setting.tools)
        .env("IPC_LAB_BOX_FAILURE", &box_failure)
        .env("IPC_LAB_PICTURE", &picture)
        .env("IPC_LAB_VERDICT", &verdict)
        .env("IPC_LAB_NONCE", &nonce)
        .envs(std::env::var_os("IPC_LAB_MQUEUE").map(|path| ("IPC_LAB_MQUEUE", path)))
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .process_group(0);
    if let Some(make) = &setting.box_command {
        command.env("IPC_LAB_BOX", make);
    }
    let mut child =
        bench::spawn(&mut command).with_context(|| format!("run {}", setting.bats.display()))?;
    let status = bench::wait(&mut child, LIMIT)?;
    // A file and not a pipe: what a program left behind may still hold it open.
    Ok(Report {
        text: beginning(&report)?,
        status,
        verdict: Word::read(&verdict, &nonce)?,
        box_failure: beginning(&box_failure)?,
        picture: drawn(&picture)?,
    })
}

/// As much of a report as anybody reads.
fn beginning(file: &Path) -> anyhow::Result<String> {
    let read = || format!("read {}", file.display());
    let mut bytes = Vec::new();
    let text = File::open(file).with_context(read)?;
    text.take(LARGEST_REPORT)
        .read_to_end(&mut bytes)
        .with_context(read)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A picture that is whole and not too large; none otherwise.
fn drawn(file: &Path) -> anyhow::Result<String> {
    let read = || format!("read {}", file.display());
    let mut bytes = Vec::new();
    let picture = File::open(file).with_context(read)?;
    let mut picture = picture.take(LARGEST_PICTURE + 1);
    picture.read_to_end(&mut bytes).with_context(read)?;
    let whole = bytes.len() as u64 <= LARGEST_PICTURE && bytes.ends_with(b"</svg>\n");
    Ok(match String::from_utf8(bytes) {
        Ok(text) if whole => text,
        _ => String::new(),
    })
}

/// A title as a regular expression that matches nothing else.
fn pattern(title: &str) -> String {
    let special = |it: char| r"\.[]{}()*+?^$|".contains(it);
    title.chars().fold(String::new(), |mut text, it| {
        if special(it) {
            text.push('\\');
        }
        text.push(it);
        text
    })
}

/// The verdict: bats' exit status and the test's own word must agree. What was printed is none.
///
/// # Errors
/// When there is no verdict, and the student is not to blame.
fn judge(
    report: &Report,
    is_graded: bool,
    exercise: &Exercise,
    test: &Test,
) -> anyhow::Result<TestResult> {
    let mut result = TestResult {
        exercise: exercise.name.clone(),
        test: test.name.clone(),
        points: test.points,
        hidden: test.hidden,
        status: Status::Failed,
        ..TestResult::default()
    };
    let Some(status) = report.status else {
        result.rationale = format!("the test was ended after {} s", LIMIT.as_secs());
        return Ok(result);
    };
    let (word, text) = match &report.verdict {
        Some(verdict) => (verdict.word.as_str(), verdict.text.as_str()),
        None => ("", ""),
    };
    let findings = report.verdict.iter().flat_map(|verdict| &verdict.findings);
    result.findings = findings
        .map(|call| format!("a forbidden system call: {call}"))
        .collect();
    match (status.success(), word) {
        // A program may have ended its own box. It cannot have done well in it.
        _ if !report.box_failure.is_empty() => {
            explain(&report.text, &mut result);
            result.rationale.insert_str(0, "the box was lost\n");
        }
        (true, "passed") => result.status = Status::Passed,
        // On a student's own machine there is nobody to be deceived.
        (true, "") if !is_graded => result.status = Status::Passed,
        (true, "not-run") => {
            result.status = Status::NotRun;
            result.rationale = text.into();
        }
        (false, "failed") => {
            explain(&report.text, &mut result);
            result.help = text.into();
        }
        // The test has failed after its teardown, or before it.
        (false, _) if status.code() == Some(1) => explain(&report.text, &mut result),
        _ => bail!("bats gave no verdict ({status}): {}", report.text.trim()),
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_picture_is_none_and_neither_is_one_that_is_too_large() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("hang.svg");
        let large = "x".repeat(64 << 10) + "</svg>\n";
        for (text, taken) in [
            ("<svg></svg>\n", true),
            ("<svg></sv", false),
            ("", false),
            (&large, false),
        ] {
            fs::write(&file, text)?;
            assert_eq!(drawn(&file)?, if taken { text } else { "" });
        }
        Ok(())
    }
}
