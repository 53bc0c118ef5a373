//! What a failed test has printed, sorted for the student who reads it. None of it is evidence: a student's
//! program may have written any line.

use crate::results::TestResult;

/// How the job in the harness's `start` begins and ends.
const BASH_TELLS: [&str; 2] = [
    r#"for keyboard in "${KEYBOARD[@]}" "${BOX:-}" "${NEVER:-}";"#,
    r#"exec "${WORDS[@]}""#,
];

/// Sorts the report of a failed test into what was seen, expected, printed, and the hint.
pub fn explain(tap: &str, result: &mut TestResult) {
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
        // It has come by the verdict: a student's program could print such a line too.
        if line.starts_with("hint: ") {
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
    use crate::results::Status;

    #[test]
    fn what_bash_says_of_a_killed_program_is_of_no_use() {
        let mut result = TestResult {
            status: Status::Failed,
            ..TestResult::default()
        };
        let tap = "not ok 1 x\n# tests/harness.bash: line 288:  1333 Killed                  \
            ( for keyboard in \"${KEYBOARD[@]}\" \"${BOX:-}\" \"${NEVER:-}\";\n# do\n\
            #     exec {keyboard}>&-;\n# done; exec 2> x; exec \"${WORDS[@]}\" ) 0<&0\n# seen\n";
        explain(tap, &mut result);
        assert_eq!(result.rationale, "seen\n");
        let harness = include_str!("../../../../tests/harness.bash");
        assert!(BASH_TELLS.iter().all(|it| harness.contains(it)));
    }
}
