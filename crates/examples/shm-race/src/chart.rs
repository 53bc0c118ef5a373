//! A bar for the terminal.

/// How many characters stand for all updates.
const WIDTH: u64 = 40;

/// One line: `#` for what was counted, `.` for what was lost. A single lost update shows already.
pub fn line(label: &str, counted: u64, expected: u64) -> String {
    let full = (counted * WIDTH / expected) as usize;
    let bar = "#".repeat(full);
    let lost = expected - counted;
    format!(
        "{label:<16} {bar:.<width$} {counted}, lost {lost}",
        width = WIDTH as usize
    )
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn bars_match_the_numbers() {
        let bar = |counted| {
            line("", counted, 100_000)
                .split_whitespace()
                .next()
                .map(str::to_owned)
        };
        assert_eq!(bar(100_000), Some("#".repeat(40)));
        assert_eq!(bar(99_999), Some("#".repeat(39) + "."));
        assert_eq!(bar(50_000), Some("#".repeat(20) + &".".repeat(20)));
        for i in 0..=40 {
            let full = "#".repeat(i) + &".".repeat(40 - i);
            assert_eq!(bar(i as u64 * 2_500), Some(full));
        }
        assert_eq!(bar(0), Some(".".repeat(40)));
    }
}
