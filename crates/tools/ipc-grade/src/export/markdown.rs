//! The student's page, as Markdown.

use super::printable;
use crate::results::{Status, Verdict};

/// The page.
pub fn text(verdict: &Verdict) -> String {
    let name = plain(&verdict.submission);
    let mut text = format!("# {name}: {}/{}\n", verdict.score, verdict.out_of);
    if let Some(error) = &verdict.grader_error {
        let error = plain(error);
        text += &format!(
            "\nThe grader failed, which is not your fault, so these are not your marks: {error}\n"
        );
    }
    if verdict.tests.is_empty() {
        text += &format!("\n{}\n", super::NOTHING);
    }
    for test in &verdict.tests {
        let word = match test.status {
            Status::Passed => "passed",
            Status::Failed => "failed",
            Status::NotRun => "not run",
        };
        let (score, of) = (test.score(), test.points);
        text += &format!(
            "\n## {}\n\n{word}, {score}/{of} points\n",
            plain(&test.full_name())
        );
        for note in test.notes() {
            text += &format!("\n{}\n", plain(&note));
        }
        if !test.seen().trim().is_empty() {
            text += &format!("\n{}", block(test.seen()));
        }
        if !test.help.is_empty() {
            text += &format!("\nHint: {}\n", plain(&test.help));
        }
    }
    text
}

/// A line in which no character means anything.
fn plain(text: &str) -> String {
    let mut line = String::new();
    for it in printable(text).trim().replace('\n', " ").chars() {
        if it.is_ascii_punctuation() && !matches!(it, '.' | ',' | ':' | ';' | '-' | '/' | '\'') {
            line.push('\\');
        }
        line.push(it);
    }
    line
}

/// A block in which no character means anything: its fence is longer than any in it.
fn block(text: &str) -> String {
    let text = printable(text);
    let longest = text.split(|it| it != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(3.max(longest + 1));
    format!("{fence}text\n{}\n{fence}\n", text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn what_a_student_wrote_means_nothing() {
        let page = text(&sample::verdict());
        assert!(page.starts_with("# a\\*b \\<\\/title") || page.starts_with("# a\\*b \\</title"));
        assert!(page.contains("\n````text\nstill running"));
        assert!(page.contains("\n````\n\nHint: Close the \\<write\\> end.\n"));
        assert!(!page.contains(['\u{1b}', '\u{202e}']));
    }

    #[test]
    fn a_grader_that_failed_says_so() {
        let page = text(&sample::failure());
        assert!(page.contains("not your fault, so these are not your marks: the build was killed"));
    }
}
