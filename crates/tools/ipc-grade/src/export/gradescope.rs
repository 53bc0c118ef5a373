//! results.json of Gradescope, see
//! <https://gradescope-autograders.readthedocs.io/en/latest/specs/>.

use anyhow::Context;
use serde::Serialize;

use crate::results::{Status, Verdict};

#[derive(Serialize)]
struct Results {
    score: u32,
    output: String,
    stdout_visibility: &'static str,
    tests: Vec<Test>,
}

#[derive(Serialize)]
struct Test {
    name: String,
    score: u32,
    max_score: u32,
    status: &'static str,
    output: String,
    visibility: &'static str,
}

/// The verdict as Gradescope reads it.
///
/// # Errors
/// When there is no verdict.
pub fn text(verdict: &Verdict) -> anyhow::Result<String> {
    super::is_complete(verdict)?;
    let tests = verdict.tests.iter().map(|it| Test {
        name: it.full_name(),
        score: it.score(),
        max_score: it.points,
        status: match it.status {
            Status::Passed => "passed",
            // It knows no third word; the output says that the test was not run.
            Status::Failed | Status::NotRun => "failed",
        },
        output: match it.status {
            Status::NotRun => format!("Not run, so there is no verdict: {}", it.report()),
            _ => it.report(),
        },
        visibility: if it.hidden {
            "after_published"
        } else {
            "visible"
        },
    });
    let mut output = format!(
        "{} of {} points. {}",
        verdict.score, verdict.out_of, verdict.isolation
    );
    for remark in verdict.remarks() {
        output += &format!("\n{}", super::printable(&remark));
    }
    let results = Results {
        score: verdict.score,
        output,
        stdout_visibility: "hidden",
        tests: tests.collect(),
    };
    let text = serde_json::to_string_pretty(&results).context("write JSON")?;
    Ok(text + "\n")
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value};

    use super::super::sample;
    use super::*;

    /// A key that there may be, and which values it may have.
    type Rule = (&'static str, fn(&Value) -> bool);

    fn check(object: &Map<String, Value>, rules: &[Rule]) {
        for (key, value) in object {
            let rule = rules.iter().find(|(name, _)| name == key);
            assert!(rule.is_some_and(|(_, rule)| rule(value)), "{key}: {value}");
        }
    }

    fn visibility(value: &Value) -> bool {
        let words = ["hidden", "after_due_date", "after_published", "visible"];
        value.as_str().is_some_and(|it| words.contains(&it))
    }

    #[test]
    fn it_is_what_gradescope_publishes() -> anyhow::Result<()> {
        let value: Value = serde_json::from_str(&text(&sample::verdict())?)?;
        let top = value.as_object().context("an object")?;
        check(
            top,
            &[
                ("score", Value::is_number),
                ("execution_time", Value::is_number),
                ("output", Value::is_string),
                ("visibility", visibility),
                ("stdout_visibility", visibility),
                ("extra_data", Value::is_object),
                ("tests", Value::is_array),
                ("leaderboard", Value::is_array),
            ],
        );
        let tests = top["tests"].as_array().context("tests")?;
        assert_eq!(tests.len(), 3);
        let (mut sum, mut said) = (0.0, Vec::new());
        for test in tests {
            let test = test.as_object().context("a test")?;
            check(
                test,
                &[
                    ("score", Value::is_number),
                    ("max_score", Value::is_number),
                    ("status", |it| *it == "passed" || *it == "failed"),
                    ("name", Value::is_string),
                    ("number", Value::is_string),
                    ("output", Value::is_string),
                    ("tags", Value::is_array),
                    ("visibility", visibility),
                    ("extra_data", Value::is_object),
                ],
            );
            // Optional only with a score at the top; all of them have one.
            let score = test["score"].as_f64().context("score")?;
            let most = test["max_score"].as_f64().context("max_score")?;
            let status = test["status"].as_str().context("status")?;
            let expected = if status == "passed" { most } else { 0.0 };
            assert!(score == expected && most > 0.0, "{score} of {most}");
            let name = test["name"].as_str().context("name")?;
            assert!(name.starts_with("fix-pipe-eof: "), "{name}");
            said.push((status, test["output"].as_str().context("output")?));
            sum += score;
        }
        let statuses = said.iter().map(|it| it.0).collect::<Vec<_>>();
        assert_eq!(statuses, ["passed", "failed", "failed"]);
        assert!(said[1].1.ends_with("\nHint: Close the <write> end."));
        assert!(said[2].1.starts_with("Not run, so there is no verdict: "));
        assert_eq!(top["score"].as_f64(), Some(sum));
        Ok(())
    }
}
