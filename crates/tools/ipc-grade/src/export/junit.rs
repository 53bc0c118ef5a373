//! JUnit XML, see <https://github.com/testmoapp/junitxml>, which describes what its readers agree on.

use anyhow::Context;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::printable;
use crate::results::{Status, TestResult, Verdict};

/// The verdict as JUnit XML: a test suite for each exercise.
///
/// # Errors
/// When it cannot be written.
pub fn text(verdict: &Verdict) -> anyhow::Result<String> {
    let mut report = Report::new(printable(&verdict.submission));
    for tests in verdict
        .tests
        .chunk_by(|one, next| one.exercise == next.exercise)
    {
        let mut suite = TestSuite::new(tests[0].exercise.clone());
        for test in tests {
            let mut case = TestCase::new(test.test.clone(), status(verdict, test));
            case.set_classname(test.exercise.clone());
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    let text = report.to_string().context("write XML")?;
    Ok(text)
}

fn status(verdict: &Verdict, test: &TestResult) -> TestCaseStatus {
    let mut status = match test.status {
        Status::Passed => return TestCaseStatus::success(),
        Status::Failed => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Status::NotRun if verdict.complete => TestCaseStatus::skipped(),
        // "error" is what went wrong beside the test.
        Status::NotRun => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    let report = match (&verdict.grader_error, test.status) {
        (Some(error), Status::NotRun) => format!("the grader failed: {}", printable(error)),
        _ => test.report(),
    };
    let first = report.lines().next().unwrap_or("").to_owned();
    status.set_message(first);
    if test.status != Status::NotRun {
        status.set_type("failed");
        status.set_description(report);
    }
    status
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    /// The opening tags, in order, with their attributes' names.
    fn tags(xml: &str) -> Vec<(String, Vec<String>)> {
        let pieces = xml.split('<').skip(1);
        let opening = pieces.filter(|it| !it.starts_with(['/', '?']));
        opening
            .map(|piece| {
                let tag = piece.split('>').next().unwrap_or("");
                let name = tag.split([' ', '/']).next().unwrap_or("").to_owned();
                let attributes = tag.split('"').step_by(2);
                let attributes = attributes.filter_map(|it| it.trim().strip_suffix('='));
                let last = |it: &str| it.rsplit(' ').next().unwrap_or("").to_owned();
                (name, attributes.map(last).collect())
            })
            .collect()
    }

    #[test]
    fn it_is_what_the_schema_allows() -> anyhow::Result<()> {
        for verdict in [sample::verdict(), sample::failure()] {
            let xml = text(&verdict)?;
            // element, required and optional attributes
            let rules: [(&str, &[&str], &[&str]); 6] = [
                (
                    "testsuites",
                    &[],
                    &[
                        "name",
                        "time",
                        "tests",
                        "failures",
                        "disabled",
                        "errors",
                        "skipped",
                        "assertions",
                        "timestamp",
                    ],
                ),
                (
                    "testsuite",
                    &["name", "tests"],
                    &[
                        "failures",
                        "errors",
                        "time",
                        "disabled",
                        "skipped",
                        "timestamp",
                        "hostname",
                        "id",
                        "package",
                    ],
                ),
                (
                    "testcase",
                    &["name", "classname"],
                    &["time", "status", "class", "file", "line", "timestamp"],
                ),
                ("failure", &[], &["type", "message"]),
                ("error", &[], &["type", "message"]),
                ("skipped", &[], &["type", "message"]),
            ];
            let tags = tags(&xml);
            assert_eq!(tags.first().map(|it| it.0.as_str()), Some("testsuites"));
            for (name, attributes) in &tags {
                let rule = rules.iter().find(|it| it.0 == name);
                let (_, required, optional) = rule.with_context(|| format!("<{name}>"))?;
                for it in *required {
                    assert!(attributes.iter().any(|has| has == it), "<{name}> {it}");
                }
                for it in attributes {
                    let it = it.as_str();
                    assert!(
                        required.contains(&it) || optional.contains(&it),
                        "<{name}> {it}"
                    );
                }
            }
            let count = |name| tags.iter().filter(|it| it.0 == name).count();
            assert_eq!((count("testsuite"), count("testcase")), (1, 3));
            let third = if verdict.complete { "skipped" } else { "error" };
            assert_eq!((count("failure"), count(third)), (1, 1));
            // What it holds comes back, without the characters that XML forbids.
            let back = Report::deserialize_from_str(&xml)?;
            assert_eq!(back.test_suites[0].test_cases.len(), 3);
            assert!(!xml.contains("<script>") && !xml.contains('\u{1b}'));
        }
        Ok(())
    }
}
