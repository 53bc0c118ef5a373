//! Who waited for whom when a test's time was up.

/// A process that was blocked.
#[derive(Debug, PartialEq, Eq)]
pub struct Blocked {
    /// The program and its process.
    pub who: String,
    /// The system call, and what it is for.
    pub call: String,
    /// Why it does not return.
    pub why: String,
}

/// Those that a report names, in `ipc-trace --explain`'s words.
pub fn blocked(report: &str) -> Vec<Blocked> {
    let lines = report.lines().filter_map(|line| {
        let (who, rest) = line.split_once(" is blocked in ")?;
        let (call, why) = rest.split_once("): ")?;
        // What a program has printed stands behind its name and a colon.
        (who.ends_with(')') && !who.contains(':')).then(|| Blocked {
            who: who.into(),
            call: format!("{call})"),
            why: why.into(),
        })
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_who_is_blocked() {
        let report = "still running after 5 s\n\
            a (process 1) is blocked in waitpid(6): the child has not ended\n\
            a: b (process 2) is blocked in read(3): as the program says itself\n";
        let expected = Blocked {
            who: "a (process 1)".into(),
            call: "waitpid(6)".into(),
            why: "the child has not ended".into(),
        };
        assert_eq!(blocked(report), [expected]);
    }
}
