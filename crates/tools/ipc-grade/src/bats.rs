//! Runs one test of an exercise, and reads what came of it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};

use crate::bench;
use crate::exercise::{Exercise, Test};
use crate::results::{Status, TestResult};

/// How long one test may take, in the worst case of all its deadlines.
const LIMIT: Duration = Duration::from_secs(120);

/// How large a picture may be, in bytes.
const LARGEST_PICTURE: u64 = 64 << 10;

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
    let ended = (report.text.lines()).any(|it| it.starts_with("ok ") || it.starts_with("not ok "));
    ensure!(
        ended || !report.in_time || setting.box_command.is_none(),
        "bats gave no result: {}",
        report.text.trim()
    );
    let mut result = read(&report.text, report.in_time, exercise, test);
    if result.status == Status::Failed {
        result.picture = report.picture;
    }
    Ok(result)
}

/// What came of a run of bats.
struct Report {
    text: String,
    in_time: bool,
    /// What went wrong with the box, and so with the grader; not from `text`, in which a program's
    /// file names and command lines are quoted.
    box_failure: String,
    /// What ipc-trace has drawn of a hang, if there was one.
    picture: String,
}

fn run_once(setting: &Setting, test: &Test) -> anyhow::Result<Report> {
    let box_failure = setting.scratch.join("box-failure");
    File::create(&box_failure).with_context(|| format!("create {}", box_failure.display()))?;
    let picture = setting.scratch.join("hang.svg");
    File::create(&picture).with_context(|| format!("create {}", picture.display()))?;
    let report = setting.scratch.join("report.tap");
    let output = File::create(&report).with_context(|| format!("create {}", report.display()))?;
    let errors = output.try_clone().context("dup")?;
    let mut words = setting
        .enter
        .iter()
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
        // What bats and a test make goes with the grader, also when a signal ends them.
        .env("TMPDIR", setting.scratch)
        .env("IPC_LAB_TMP", setting.scratch)
        .env("IPC_LAB_BIN", &setting.bin)
        .env("IPC_LAB_TOOLS", &setting.tools)
        .env("IPC_LAB_BOX_FAILURE", &box_failure)
        .env("IPC_LAB_PICTURE", &picture)
        .env_remove("IPC_LAB_BOX")
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .process_group(0);
    if let Some(make) = &setting.box_command {
        command.env("IPC_LAB_BOX", make);
    }
    let mut child =
        bench::spawn(&mut command).with_context(|| format!("run {}", setting.bats.display()))?;
    let in_time = bench::wait(&mut child, LIMIT)?.is_some();
    // A file and not a pipe: what a program left behind may still hold it open.
    let text = fs::read(&report).with_context(|| format!("read {}", report.display()))?;
    Ok(Report {
        text: String::from_utf8_lossy(&text).into_owned(),
        in_time,
        box_failure: fs::read_to_string(&box_failure)
            .with_context(|| format!("read {}", box_failure.display()))?,
        picture: drawn(&picture)?,
    })
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

/// Reads what bats says, see https://testanything.org.
fn read(tap: &str, in_time: bool, exercise: &Exercise, test: &Test) -> TestResult {
    let mut result = TestResult {
        exercise: exercise.name.clone(),
        test: test.name.clone(),
        points: test.points,
        hidden: test.hidden,
        status: Status::Failed,
        ..TestResult::default()
    };
    let verdict = tap
        .lines()
        .find(|it| it.starts_with("ok ") || it.starts_with("not ok "));
    match verdict {
        Some(line) if line.starts_with("ok ") => match line.split_once(" # skip") {
            Some((_, reason)) => {
                result.status = Status::NotRun;
                result.rationale = reason
                    .trim()
                    .trim_start_matches('(')
                    .trim_end_matches(')')
                    .into();
            }
            None => result.status = Status::Passed,
        },
        Some(_) => explain(tap, &mut result),
        None if !in_time => {
            result.rationale = format!("the test was ended after {} s", LIMIT.as_secs());
        }
        None => {
            explain(tap, &mut result);
            result.rationale.insert_str(0, "the test gave no result\n");
        }
    }
    result
}

/// How the job in the harness's `start` begins and ends.
const BASH_TELLS: [&str; 2] = [
    r#"for keyboard in "${KEYBOARD[@]}" "${BOX:-}" "${NEVER:-}" "${n_leash:-}";"#,
    r#""$program" "$@""#,
];

/// Sorts the report of a failed test into what was seen, expected, printed, and the hint.
fn explain(tap: &str, result: &mut TestResult) {
    let mut place = String::new();
    let mut in_diff = false;
    let mut of_bash = 0;
    for line in tap.lines().filter_map(|it| it.strip_prefix("# ")) {
        // bash tells of a program that a test has killed in the words of the harness, in several lines.
        if line.contains(": line ") && line.ends_with(BASH_TELLS[0]) {
            of_bash = 8; // at most
        }
        if of_bash > 0 {
            of_bash = if line.contains(BASH_TELLS[1]) {
                0
            } else {
                of_bash - 1
            };
            continue;
        }
        if let Some(hint) = line.strip_prefix("hint: ") {
            result.help = hint.into();
            continue;
        }
        // How bats and bash tell where in the test file it was is of no use to a student. (Of a hidden
        // test students see nothing; who has written it does, and where nothing else is told.)
        let noise = [
            "(in test file",
            "(from function",
            "in test file",
            "from function",
            "  `",
        ];
        if noise
            .iter()
            .any(|it| line.trim_start().starts_with(it.trim_start()))
        {
            place += &format!("{line}\n");
            continue;
        }
        match line.as_bytes().first() {
            _ if line.starts_with("--- expected") => in_diff = true,
            _ if line.starts_with("+++ actual") || (in_diff && line.starts_with("@@")) => {}
            Some(b' ') if in_diff => {
                result.expected += &format!("{}\n", &line[1..]);
                result.actual += &format!("{}\n", &line[1..]);
            }
            Some(b'-') if in_diff => result.expected += &format!("{}\n", &line[1..]),
            Some(b'+') if in_diff => result.actual += &format!("{}\n", &line[1..]),
            _ => {
                in_diff = false;
                if result.rationale.len() < 4000 {
                    result.rationale += &format!("{line}\n");
                }
                continue;
            }
        }
        if result.rationale.len() < 4000 {
            result.rationale += &format!("{line}\n");
        }
    }
    if result.hidden || result.rationale.is_empty() {
        result.rationale.insert_str(0, &place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bash_says_of_a_killed_program_is_of_no_use() {
        let mut result = TestResult {
            status: Status::Failed,
            ..TestResult::default()
        };
        let tap = "not ok 1 x\n# tests/harness.bash: line 288:  1333 Killed                  \
            ( for keyboard in \"${KEYBOARD[@]}\" \"${BOX:-}\" \"${NEVER:-}\" \"${n_leash:-}\";\n# do\n\
            #     exec {keyboard}>&-;\n# done; exec 2> x; exec env \"$program\" \"$@\" ) 0<&0\n# seen\n";
        explain(tap, &mut result);
        assert_eq!(result.rationale, "seen\n");
        let harness = include_str!("../../../../tests/harness.bash");
        assert!(BASH_TELLS.iter().all(|it| harness.contains(it)));
    }

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
