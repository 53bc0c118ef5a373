//! The student's page, as HTML: one file, no script, nothing loaded.
//!
//! The picture of a hang holds names that programs chose. It is an image, in which a browser runs no
//! script, whatever stands in it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, html};

use super::hang::{Blocked, blocked};
use super::printable;
use crate::results::{Status, TestResult, Verdict};

const STYLE: &str = "
body { font: 16px/1.5 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }
h2 { font-size: 1.1em; margin-bottom: 0; }
pre { background: #f4f4f4; padding: .7em; overflow-x: auto; }
.passed { color: #176817; } .failed { color: #a31515; } .not-run { color: #666; }
.minus { color: #176817; } .plus { color: #a31515; }
figure { margin: 1em 0; } img { max-width: 100%; height: auto; } figcaption { font-weight: bold; }
.blocked { display: flex; gap: .5em; align-items: center; margin: .4em 0; }
.blocked > * { border: 2px solid #444; border-radius: .4em; padding: .3em .6em; }
.blocked > .arrow { border: none; padding: 0; }
.call { background: #fde8e8; font-family: monospace; }
";

/// The page.
pub fn text(verdict: &Verdict) -> String {
    let title = format!(
        "{}: {}/{}",
        printable(&verdict.submission),
        verdict.score,
        verdict.out_of
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; style-src 'unsafe-inline'; img-src data:";
                title { (title) }
                style { (maud::PreEscaped(STYLE)) }
            }
            body {
                h1 { (title) }
                @if let Some(error) = &verdict.grader_error {
                    p.failed {
                        "The grader failed, which is not your fault, so these are not your marks: "
                        (printable(error))
                    }
                }
                @if verdict.tests.is_empty() { p { (super::NOTHING) } }
                @for it in &verdict.tests { (test(it)) }
            }
        }
    };
    page.into_string() + "\n"
}

fn test(test: &TestResult) -> Markup {
    let (class, word) = match test.status {
        Status::Passed => ("passed", "passed"),
        Status::Failed => ("failed", "failed"),
        Status::NotRun => ("not-run", "not run"),
    };
    html! {
        h2 { (printable(&test.full_name())) }
        p class=(class) { (word) ", " (test.score()) "/" (test.points) " points" }
        @for note in test.notes() { p { strong { (note) } } }
        (hang(test))
        @if !test.seen().trim().is_empty() {
            pre { @for line in printable(test.seen()).lines() { (self::line(test, line)) "\n" } }
        }
        @if !test.help.is_empty() { p { strong { "Hint: " } (printable(&test.help)) } }
    }
}

/// Who waited for what when the time was up: the picture, and in words.
fn hang(test: &TestResult) -> Markup {
    let blocked = blocked(&printable(test.seen()));
    let picture = test.picture();
    let in_words = |it: &Blocked| format!("{} waits in {}, because: {}.", it.who, it.call, it.why);
    let alt = blocked.iter().map(in_words).collect::<Vec<_>>().join(" ");
    html! {
        @if !(blocked.is_empty() && picture.is_empty()) {
            figure {
                figcaption { "When the time was up" }
                @if !picture.is_empty() {
                    img alt=(alt) src={ "data:image/svg+xml;base64," (STANDARD.encode(picture)) };
                }
                @for it in blocked {
                    .blocked {
                        span { (it.who) } span.arrow { "waits in ▶" }
                        span.call { (it.call) } span.arrow { "because ▶" }
                        span { (it.why) }
                    }
                }
            }
        }
    }
}

/// A line of the report; those of a difference in the colours of right and wrong.
fn line(test: &TestResult, line: &str) -> Markup {
    let is_diff = !(test.expected.is_empty() && test.actual.is_empty());
    match line.as_bytes().first() {
        Some(b'-') if is_diff => html! { span.minus { (line) } },
        Some(b'+') if is_diff => html! { span.plus { (line) } },
        _ => html! { (line) },
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn a_finding_is_text() {
        let page = text(&sample::with_notes());
        assert!(page.contains("<strong>Finding: a forbidden system call: &lt;io_uring_setup&gt;<"));
        assert!(page.contains("<strong>Not tested: does not compile.</strong>"));
    }

    #[test]
    fn what_a_student_wrote_is_text_and_the_hang_has_a_picture() {
        let page = text(&sample::verdict());
        assert!(page.contains("&lt;/pre&gt;&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert!(!page.contains("<script"));
        assert!(!page.contains(['\u{1b}', '\u{202e}']));
        assert!(page.contains("<span>fix-pipe-eof (process 12)</span>"));
        assert!(page.contains(r#"<span class="call">read(3 pipe:[7])</span>"#));
        assert!(page.contains("Close the &lt;write&gt; end."));
        let image = r#"<img alt="fix-pipe-eof (process 12) waits in read(3 pipe:[7]), because: it is open for writing in fix-pipe-eof (process 11), descriptor 4." src="data:image/svg+xml;base64,"#;
        let (_, source) = page.split_once(image).expect("the picture");
        let source = source.split('"').next().unwrap_or_default();
        let picture = STANDARD.decode(source).expect("base64");
        assert_eq!(picture, b"<svg>a hang</svg>\n");
    }
}
