//! JUnit XML, as the schema of Jenkins has it: tests/formats/junit-10.xsd, and tests/export.bats.

use anyhow::Context;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::printable;
use crate::results::{Status, TestResult, Untested, Verdict};

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
            if test.status == Status::Passed && !test.findings.is_empty() {
                case.set_system_out(test.notes().join("\n"));
            }
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    let text = report.to_string().context("write XML")?;
    // The schema has this number for each suite, and not for all of them. In what a submission has
    // chosen a quotation mark is escaped, so this is the one.
    let skipped = format!(r#" skipped="{}""#, report.skipped);
    Ok(text.replacen(&skipped, "", 1))
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
        status.set_type(test.untested.map_or("failed", Untested::word));
        status.set_description(report);
    }
    status
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_tests_and_its_reader_finds_them() -> anyhow::Result<()> {
        for verdict in [sample::verdict(), sample::failure()] {
            let xml = text(&verdict)?;
            let count = |tag: &str| xml.matches(&format!("<{tag} ")).count();
            assert_eq!((count("testsuites"), count("testsuite")), (1, 1));
            assert_eq!((count("testcase"), count("failure")), (3, 1));
            let third = if verdict.complete { "skipped" } else { "error" };
            assert_eq!(count("skipped") + count("error"), count(third));
            // What it holds comes back, without the characters that XML forbids.
            let back = Report::deserialize_from_str(&xml)?;
            let suite = &back.test_suites[0];
            assert_eq!(
                (back.tests, back.failures, back.errors),
                (3, 1, suite.errors)
            );
            assert_eq!(suite.errors + suite.skipped, 1);
            assert_eq!(suite.test_cases.len(), 3);
            assert!(!xml.contains("<script>") && !xml.contains('\u{1b}'));
        }
        Ok(())
    }

    #[test]
    fn a_finding_of_a_test_that_passed_is_its_output() -> anyhow::Result<()> {
        let back = Report::deserialize_from_str(&text(&sample::with_notes())?)?;
        let cases = &back.test_suites[0].test_cases;
        let output = cases[0].system_out.as_ref().map(|output| output.as_str());
        let finding = "Finding: a forbidden system call: <io_uring_setup>";
        assert_eq!(output, Some(finding));
        let TestCaseStatus::NonSuccess { ty, message, .. } = &cases[1].status else {
            anyhow::bail!("the second has failed");
        };
        assert_eq!(ty.as_deref(), Some("does not compile"));
        assert_eq!(message.as_deref(), Some("Not tested: does not compile."));
        Ok(())
    }

    #[test]
    fn a_name_that_looks_like_an_attribute_stays_as_it_is() -> anyhow::Result<()> {
        let mut verdict = sample::verdict();
        verdict.submission = r#"a skipped="1""#.into();
        let back = Report::deserialize_from_str(&text(&verdict)?)?;
        assert_eq!(back.name.as_deref(), Some(r#"a skipped="1""#));
        assert_eq!(back.test_suites[0].skipped, 1);
        Ok(())
    }
}
