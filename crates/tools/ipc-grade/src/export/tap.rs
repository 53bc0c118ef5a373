//! TAP 13, see <https://testanything.org/tap-version-13-specification.html>.
//!
//! TAP 14 reads the same, but prove(1) of Perl 5.36 fails whatever says that it is 14. What 14 made
//! a rule is kept: the plan first, YAML indented by two, `\#` and `\\` escaped.

use super::printable;
use crate::results::{Status, Verdict};

/// The verdict as TAP.
pub fn text(verdict: &Verdict) -> String {
    let mut text = format!("TAP version 13\n1..{}\n", verdict.tests.len());
    for (number, test) in (1..).zip(&verdict.tests) {
        let name = escape(&test.full_name());
        if test.status == Status::NotRun && !verdict.complete {
            let why = verdict.grader_error.as_deref().unwrap_or("not finished");
            let why = printable(why).replace('\n', " ");
            return text + &format!("Bail out! the grader failed: {why}\n");
        }
        // A JSON string is a YAML string, whatever is in it.
        let quoted = |text: &str| serde_json::Value::from(printable(text)).to_string();
        let mut notes = String::new();
        if let Some(why) = test.untested {
            notes += &format!("  not_tested: {}\n", quoted(why.word()));
        }
        if !test.findings.is_empty() {
            let findings: Vec<_> = test
                .findings
                .iter()
                .map(|finding| quoted(finding))
                .collect();
            notes += &format!("  findings: [{}]\n", findings.join(", "));
        }
        text += &match test.status {
            Status::Passed if notes.is_empty() => format!("ok {number} - {name}\n"),
            Status::Passed => format!("ok {number} - {name}\n  ---\n{notes}  ...\n"),
            Status::NotRun => format!("ok {number} - {name} # SKIP {}\n", escape(&test.rationale)),
            Status::Failed => {
                let [message, hint] = [test.seen(), &test.help].map(quoted);
                let of = test.points;
                format!(
                    "not ok {number} - {name}\n  ---\n{notes}  message: {message}\n  hint: {hint}\n  \
                     points: 0\n  out_of: {of}\n  ...\n"
                )
            }
        };
    }
    text
}

/// `#` begins a directive, and `\` escapes.
fn escape(text: &str) -> String {
    let line = printable(text).trim().replace('\n', " ");
    line.replace('\\', "\\\\").replace('#', "\\#")
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn it_is_what_the_specification_allows() {
        let text = text(&sample::verdict());
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("TAP version 13"));
        assert_eq!(lines.next(), Some("1..3"));
        let (mut points, mut in_yaml) = (Vec::new(), false);
        for line in lines {
            match line {
                // YAML is indented by two, and follows a test point.
                "  ---" if !points.is_empty() && !in_yaml => in_yaml = true,
                "  ..." if in_yaml => in_yaml = false,
                _ if in_yaml => assert!(line.starts_with("  "), "{line}"),
                _ => points.push(line),
            }
        }
        assert!(!in_yaml);
        assert_eq!(
            points,
            [
                "ok 1 - fix-pipe-eof: a line \\# arrives \\\\",
                "not ok 2 - fix-pipe-eof: it ends",
                "ok 3 - fix-pipe-eof: by a pipe # SKIP mechanism not verified: no strace",
            ]
        );
    }

    #[test]
    fn a_grader_that_failed_bails_out() {
        let text = text(&sample::failure());
        assert!(text.ends_with("\nBail out! the grader failed: the build was killed\n"));
    }
}
