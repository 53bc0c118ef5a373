//! result.json of Classroom 50, see "The result.json contract" in
//! <https://github.com/foundation50/classroom50/wiki/Advanced-Autograding>.

use anyhow::Context;
use jiff::{Timestamp, Unit};
use serde::Serialize;

use crate::results::{Status, Verdict};

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Results {
    schema: &'static str,
    classroom: String,
    assignment: String,
    submission: String,
    commit: String,
    release: String,
    review: String,
    datetime: String,
    score: u32,
    max_score: u32,
    tests: Vec<Test>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Test {
    test_name: String,
    passed: bool,
    score: u32,
    max_score: u32,
    // More than the contract names is kept as it is.
    output: String,
}

/// The verdict as Classroom 50 reads it; `variable` looks up what its runner has set.
///
/// # Errors
/// When there is no verdict, or a variable is missing.
pub fn text(
    verdict: &Verdict,
    variable: impl Fn(&str) -> Option<String>,
) -> anyhow::Result<String> {
    super::is_complete(verdict)?;
    let set = |name: &str| {
        variable(name).with_context(|| {
            format!("${name} is not set: Classroom 50's runner sets it for its autograder")
        })
    };
    let tests = verdict.tests.iter().map(|it| Test {
        test_name: it.full_name(),
        passed: it.status == Status::Passed,
        score: it.score(),
        max_score: it.points,
        output: match it.status {
            Status::NotRun => format!("Not run, so there is no verdict: {}", it.report()),
            _ => it.report(),
        },
    });
    let now = Timestamp::now().round(Unit::Second).context("the time")?;
    let results = Results {
        schema: "classroom50/result/v1",
        classroom: set("CLASSROOM")?,
        assignment: set("ASSIGNMENT")?,
        submission: set("SUBMISSION_TAG")?,
        commit: set("COMMIT_URL")?,
        release: set("RELEASE_URL")?,
        review: variable("REVIEW_URL").map_or_else(|| set("COMMIT_URL"), Ok)?,
        datetime: now.to_string(),
        score: verdict.score,
        max_score: verdict.out_of,
        tests: tests.collect(),
    };
    let text = serde_json::to_string_pretty(&results).context("write JSON")?;
    Ok(text + "\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::super::sample;
    use super::*;

    /// What schemas/result-v1.schema.json of foundation50/classroom50 requires and allows, without
    /// `assignment_type` and `owner`, which its runner adds itself.
    #[test]
    fn it_is_what_classroom_50_publishes() -> anyhow::Result<()> {
        let names = |name: &str| match name {
            "REVIEW_URL" => None,
            "SUBMISSION_TAG" => Some("submit/2026-06-01T14-32-05Z-a1b2c3d".to_owned()),
            _ => Some(format!("the {name}")),
        };
        let value: Value = serde_json::from_str(&text(&sample::verdict(), names)?)?;
        let required = [
            "schema",
            "classroom",
            "assignment",
            "submission",
            "commit",
            "release",
            "review",
            "datetime",
            "score",
            "max-score",
            "tests",
        ];
        // At the top it allows no others.
        let keys: BTreeSet<_> = value.as_object().context("an object")?.keys().collect();
        assert_eq!(keys, required.map(str::to_owned).iter().collect());
        assert_eq!(value["schema"], "classroom50/result/v1");
        assert_eq!(value["review"], "the COMMIT_URL");
        for key in &required[..8] {
            let text = value[key].as_str().with_context(|| (*key).to_owned())?;
            assert!(!text.is_empty(), "{key}");
        }
        let submission = value["submission"].as_str().context("submission")?;
        assert!(submission.starts_with("submit/"));
        let datetime = value["datetime"].as_str().context("datetime")?;
        datetime.parse::<Timestamp>()?;
        assert!(
            datetime.len() == 20 && datetime.ends_with('Z'),
            "{datetime}"
        );
        let tests = value["tests"].as_array().context("tests")?;
        assert_eq!(tests.len(), 3);
        // Both are integers, and the sums of those of the tests.
        for key in ["score", "max-score"] {
            let of_tests: Option<Vec<_>> = tests.iter().map(|it| it[key].as_u64()).collect();
            let sum = of_tests.context("no integer")?.iter().sum::<u64>();
            assert_eq!(value[key].as_u64(), Some(sum), "{key}");
        }
        for test in tests {
            let passed = test["passed"].as_bool().context("passed")?;
            let name = test["test-name"].as_str().context("test-name")?;
            assert!(!name.is_empty());
            let most = test["max-score"].as_u64().context("max-score")?;
            let expected = if passed { most } else { 0 };
            assert_eq!(test["score"].as_u64(), Some(expected), "{name}");
        }
        Ok(())
    }

    #[test]
    fn a_variable_that_is_missing_is_named() {
        let error = text(&sample::verdict(), |_| None).map_err(|it| it.to_string());
        assert!(error.is_err_and(|it| it.starts_with("$CLASSROOM is not set")));
    }
}
