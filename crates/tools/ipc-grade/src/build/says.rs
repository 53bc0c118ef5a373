//! What cargo and the compiler say about a submission, cut to what fits on a student's page.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::Context;

/// How much of each file is read: a macro can make the compiler write hundreds of mebibytes.
const READ: u64 = 4 << 20;
/// How many characters a student gets, and of how long lines.
const LENGTH: usize = 4000;
const LINE: usize = 300;

/// The compiler's messages, and cargo's own. The student's text can stand in the compiler's alone.
pub struct Says {
    errors: Vec<String>,
    warnings: Vec<String>,
    cargo: String,
}

impl Says {
    /// Reads cargo's standard output, a JSON object a line, and its standard error.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn read(output: &Path, errors: &Path) -> anyhow::Result<Self> {
        Ok(Self::parse(&head(output)?, head(errors)?))
    }

    fn parse(output: &str, cargo: String) -> Self {
        let (mut errors, mut warnings) = (Vec::new(), Vec::new());
        // The last line may be cut, and then is no JSON.
        for line in output.lines() {
            let Ok(line) = serde_json::from_str::<serde_json::Value>(line) else {
                continue;
            };
            let message = &line["message"];
            if let Some(text) = message["rendered"].as_str() {
                let is_error = message["level"]
                    .as_str()
                    .is_some_and(|level| level.starts_with("error"));
                if is_error { &mut errors } else { &mut warnings }.push(text.to_owned());
            }
        }
        Self {
            errors,
            warnings,
            cargo,
        }
    }

    /// Whether cargo reports that SIGKILL ended the compiler. The compiler's messages do not count.
    pub fn is_compiler_killed(&self) -> bool {
        self.cargo.lines().any(|line| {
            line.trim_start().starts_with("process didn't exit")
                && line.ends_with("(signal: 9, SIGKILL: kill)")
        })
    }

    /// The errors, then the warnings, then what cargo itself says, each as far as there is room.
    pub fn short(&self) -> String {
        let pieces = self.errors.iter().chain(&self.warnings);
        let text: Vec<_> = pieces.chain([&self.cargo]).map(String::as_str).collect();
        short(&text.concat())
    }
}

/// Cuts long lines and the whole, and shows control characters, which a terminal would obey.
fn short(text: &str) -> String {
    let mut all = String::new();
    let mut room = LENGTH;
    for line in text.lines() {
        let length = line.chars().count();
        let mut cut: String = line.chars().take(LINE).map(visible).collect();
        if length > LINE {
            cut.push_str(&format!("… ({} more characters)", length - LINE));
        }
        let length = cut.chars().count() + 1;
        if length > room {
            all.push_str("…\n");
            break;
        }
        room -= length;
        all.push_str(&cut);
        all.push('\n');
    }
    all
}

fn visible(character: char) -> char {
    match character {
        '\t' => ' ',
        _ if character.is_control() => char::REPLACEMENT_CHARACTER,
        _ => character,
    }
}

/// The first part of a file, whatever its bytes are.
fn head(path: &Path) -> anyhow::Result<String> {
    let file = File::open(path).with_context(|| format!("open {}", path.display()))?;
    let mut bytes = Vec::new();
    file.take(READ)
        .read_to_end(&mut bytes)
        .with_context(|| format!("read {}", path.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(level: &str, text: &str) -> String {
        serde_json::json!({
            "reason": "compiler-message",
            "message": { "level": level, "rendered": text },
        })
        .to_string()
    }

    #[test]
    fn errors_come_before_warnings() {
        let output = [
            message("warning", "warning: unused\n"),
            message("error", "error: no such name\n"),
            "cut".into(),
        ];
        let says = Says::parse(&output.join("\n"), "error: could not compile\n".into());
        assert_eq!(
            says.short(),
            "error: no such name\nwarning: unused\nerror: could not compile\n"
        );
    }

    #[test]
    fn a_student_cannot_say_that_the_compiler_was_killed() {
        let line = "  process didn't exit successfully: `rustc` (signal: 9, SIGKILL: kill)";
        let told = Says::parse(&message("error", line), String::new());
        assert!(!told.is_compiler_killed());
        assert!(Says::parse("", line.into()).is_compiler_killed());
    }

    #[test]
    fn what_a_student_gets_is_bounded() {
        let text = short(&"x".repeat(100_000));
        assert!(text.chars().count() < LINE + 40, "{text}");
        assert!(text.contains("99700 more characters"), "{text}");
        let text = short(&"line\n".repeat(100_000));
        assert!(text.chars().count() <= LENGTH + 2, "{}", text.len());
        assert_eq!(short("a\u{1b}[31m\tb"), "a\u{fffd}[31m b\n");
    }
}
