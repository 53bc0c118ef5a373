//! How much of what programs wrote is kept: results and pages must not grow without bound.

use crate::name;
use crate::results::TestResult;

/// How many bytes of a text are kept.
const TEXT: usize = 64 << 10;
/// How many characters of a line are kept.
const LINE: usize = 400;
/// How many findings of a test are kept.
const FINDINGS: usize = 20;
/// Room for [`mark`].
const MARK: usize = 48;

impl TestResult {
    /// The result with each field cut to what is kept: 64 KiB of a text, 400 characters of a line. A mark
    /// says how much is missing. A picture that is larger is left out, because half a picture is none.
    pub fn bounded(mut self) -> Self {
        if self.picture.len() > TEXT {
            let bytes = self.picture.len();
            self.rationale += &format!("\nThe picture is left out: it has {bytes} bytes.\n");
            self.picture.clear();
        }
        for field in [
            &mut self.rationale,
            &mut self.help,
            &mut self.expected,
            &mut self.actual,
        ] {
            *field = text(field);
        }
        if self.findings.len() > FINDINGS {
            let more = self.findings.len() - (FINDINGS - 1);
            self.findings.truncate(FINDINGS - 1);
            self.findings.push(format!("… ({more} more)"));
        }
        for finding in &mut self.findings {
            *finding = line(finding);
        }
        self
    }
}

/// The text with at most 400 characters of each line, and at most 64 KiB in all. A text that has been cut
/// is not cut again.
pub fn text(text: &str) -> String {
    let lines = || {
        text.split_inclusive('\n')
            .map(|whole| (whole.len(), line(whole)))
    };
    let most = match lines().map(|(_, short)| short.len()).sum::<usize>() <= TEXT {
        true => TEXT,
        false => TEXT - MARK,
    };
    let (mut kept, mut seen) = (String::new(), 0);
    for (bytes, short) in lines() {
        if kept.len() + short.len() > most {
            return kept + &mark(text.len() - seen) + "\n";
        }
        kept += &short;
        seen += bytes;
    }
    kept
}

/// At most 400 characters of a line; its newline stays.
pub fn line(line: &str) -> String {
    let (content, end) = match line.strip_suffix('\n') {
        Some(content) => (content, "\n"),
        None => (line, ""),
    };
    if content.char_indices().nth(LINE).is_none() {
        return line.to_owned();
    }
    let kept = content.char_indices().nth(LINE - MARK);
    let kept = kept.map_or(content.len(), |(place, _)| place);
    content[..kept].to_owned() + &mark(content.len() - kept) + end
}

/// One line that moves no cursor, at most 400 characters of it.
pub fn printable_line(text: &str) -> String {
    line(&text.replace(name::is_unseen, "\u{fffd}"))
}

fn mark(bytes: usize) -> String {
    format!("… ({bytes} bytes more)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_stays_as_it_is() {
        for short in [
            "",
            "a",
            "a\n",
            "a\nb",
            &"ä".repeat(400),
            &("x\n".repeat(32 << 10)),
        ] {
            assert_eq!(text(short), short);
        }
    }

    #[test]
    fn a_long_line_and_a_long_text_are_cut_once_and_say_so() {
        let long = "ä".repeat(1000) + "\nshort\n";
        let cut = text(&long);
        assert!(cut.starts_with("ää") && cut.ends_with("… (1296 bytes more)\nshort\n"));
        assert!(cut.lines().all(|line| line.chars().count() <= 400));
        assert_eq!(text(&cut), cut);

        let many = "a line\n".repeat(1 << 20);
        let cut = text(&many);
        assert!(cut.len() <= 64 << 10, "{}", cut.len());
        let last = cut.lines().last().unwrap_or_default();
        let missing = many.len() - (cut.len() - last.len() - 1);
        assert_eq!(last, format!("… ({missing} bytes more)"));
        assert_eq!(text(&cut), cut);
    }

    #[test]
    fn every_field_of_a_result_is_bounded() -> anyhow::Result<()> {
        let long = "x".repeat(300) + "\n";
        let long = long.repeat(1000);
        let result = TestResult {
            rationale: long.clone(),
            help: long.clone(),
            expected: long.clone(),
            actual: long.clone(),
            picture: long.clone(),
            findings: vec![long.replace('\n', " "); 1000],
            ..TestResult::default()
        };
        let bounded = result.bounded();
        assert!(bounded.picture.is_empty() && bounded.findings.len() == 20);
        let size = serde_json::to_vec(&bounded)?.len();
        assert!(size < 5 * (64 << 10), "{size}");
        let again = serde_json::to_value(bounded.clone().bounded())?;
        assert_eq!(again, serde_json::to_value(bounded)?);
        Ok(())
    }
}
