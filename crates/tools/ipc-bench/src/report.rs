//! The tables that a terminal shows, and the same figures for programs.

use std::fmt::Write;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context;
use comfy_table::{CellAlignment, Table, presets};

use crate::figures::{Figures, Plan, Row};
use crate::machine::Machine;
use crate::mechanism::peaks::PEAKS;
use crate::run::{Pattern, Placement};
use crate::stars;

/// Everything, as text.
pub fn text(machine: &Machine, figures: &Figures) -> String {
    let mut text = header(machine, figures);
    for pattern in [Pattern::RoundTrip, Pattern::Stream] {
        for placement in [Placement::Same, Placement::Two] {
            let mut sizes: Vec<_> = figures.rows.iter().map(|it| it.size).collect();
            sizes.sort_unstable();
            sizes.dedup();
            for size in sizes {
                let rows: Vec<_> = figures
                    .rows
                    .iter()
                    .filter(|it| (it.pattern, it.placement, it.size) == (pattern, placement, size))
                    .collect();
                if !rows.is_empty() {
                    text += &table(pattern, placement, size, &rows);
                }
            }
        }
    }
    if figures
        .rows
        .iter()
        .any(|row| PEAKS.iter().any(|it| it.mechanism.name == row.mechanism))
    {
        return text + "\nPeaks, one way\n" + &peaks(figures);
    }
    text + &stars::text(figures)
}

/// What further driving brings, beside the rows that it is compared with.
fn peaks(figures: &Figures) -> String {
    let mut text = String::new();
    let row = |name: &str, like: &Row| {
        figures.rows.iter().find(|it| {
            (it.mechanism, it.placement, it.size) == (name, like.placement, like.size)
                && it.missing.is_none()
        })
    };
    for peak in PEAKS {
        let name = peak.mechanism.name;
        for ours in figures.rows.iter().filter(|it| it.mechanism == name) {
            let (Some(ours), Some(than)) = (row(name, ours), row(peak.than, ours)) else {
                continue;
            };
            let _ = writeln!(
                text,
                "  {name}, {}, {} B: {:.2} times {}; gives up: {}{}",
                ours.placement,
                ours.size,
                than.each.median / ours.each.median,
                peak.than,
                peak.gives_up,
                match ours.disturbed == than.disturbed {
                    true => "",
                    false => " (do not compare: one of the two was calm too seldom)",
                }
            );
        }
        let missing = figures
            .rows
            .iter()
            .filter(|it| !(peak.mechanism.spins && it.placement == Placement::Same))
            .find(|it| it.mechanism == name && it.missing.is_some());
        if let Some(why) = missing.and_then(|it| it.missing.as_deref()) {
            let _ = writeln!(text, "  {name}: — {why}");
        } else if let Some(seen) = peak.seen {
            let _ = writeln!(text, "  {name}: {}", seen());
        }
    }
    text
}

fn header(machine: &Machine, figures: &Figures) -> String {
    let limits = &figures.limits;
    let mut text = machine.line() + "\n";
    let _ = write!(
        text,
        "The shortest system call {:.0} ns, a switch {:.0} ns, reading the clock {:.0} ns",
        limits.call, limits.switch, limits.clock
    );
    if let Some(line) = figures.line {
        let _ = write!(
            text,
            ", a cache line to the other processor and back {:.0} ns ({:.0} to {:.0})",
            line.median, line.least, line.greatest
        );
        if drifts(figures) {
            text += ".\nThat moved by more than a third while this ran: \
                     do not compare two-processor rows of shared memory";
        }
    }
    text += ".\n";
    for copy in &limits.copies {
        let gib = |ns: f64| copy.size as f64 / ns * 1e9 / f64::from(1 << 30);
        let _ = write!(
            text,
            "A copy of {} B {:.0} ns ({:.1} GiB/s)",
            copy.size,
            copy.near,
            gib(copy.near)
        );
        if let Some(far) = copy.far {
            let _ = write!(
                text,
                ", of what the other processor has just written {far:.0} ns ({:.1} GiB/s)",
                gib(far)
            );
        }
        text += ".\n";
    }
    let _ = write!(
        text,
        "This program itself adds {:.1} ns to a round trip",
        limits.own
    );
    for placement in [Placement::Same, Placement::Two] {
        let rows = figures.rows.iter().filter(|it| {
            (it.pattern, it.placement) == (Pattern::RoundTrip, placement) && it.missing.is_none()
        });
        let rows = comparable(rows).into_iter();
        if let Some(least) = rows.map(|it| it.each.median).min_by(f64::total_cmp) {
            let share = 100.0 * limits.own / least;
            let _ = write!(text, ", {share:.2} % of the shortest on {placement}");
        }
    }
    text += ".\n";
    if let Some(calm) = &figures.calm {
        let _ = write!(
            text,
            "On one processor {} of {} slices were calm",
            calm.slices, calm.of
        );
        if calm.slices > 0 {
            let _ = write!(
                text,
                ": these count, at one clock (1 step {:.2} ns, the shortest system call {:.1} steps)",
                calm.step, calm.call_in_steps
            );
        }
        if figures.rows.iter().any(|it| it.disturbed) {
            text += "; in rows with an !, which were calm too seldom, all count";
        }
        text += ".\n";
    }
    if let Some(why) = &figures.not_counted {
        let _ = writeln!(
            text,
            "System calls are not counted ({why}; as root: mount -t tracefs none /sys/kernel/tracing)."
        );
    }
    text
}

/// Whether what two processors need for a cache line has changed much.
pub fn drifts(figures: &Figures) -> bool {
    figures
        .line
        .is_some_and(|it| it.greatest > 4.0 / 3.0 * it.least)
}

fn table(pattern: Pattern, placement: Placement, size: usize, rows: &[&Row]) -> String {
    let what = match pattern {
        Pattern::RoundTrip => "Round trips",
        Pattern::Stream => "One way",
    };
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    let mut head = vec![format!("{placement}, {size} B")];
    head.extend(match pattern {
        Pattern::RoundTrip => ["µs", "range", "p50", "p90", "p99", "p99.9", "max"]
            .map(String::from)
            .to_vec(),
        Pattern::Stream => ["messages/s", "range", "GiB/s", "lost"]
            .map(String::from)
            .to_vec(),
    });
    let counted = rows.iter().any(|it| it.calls.is_some());
    head.push("CPU ns/msg".into());
    if counted {
        head.push("calls/msg".into());
    }
    head.extend(["switches/msg", "× limit"].map(String::from));
    let calm = rows.iter().any(|it| it.calm.is_some());
    if calm {
        head.push("calm".into());
    }
    if rows.iter().any(|it| it.versus.is_some()) {
        head.push("× the other".into());
    }
    table.set_header(head);
    let mut missing = String::new();
    let mut sorted = rows.to_vec();
    sorted.sort_by(|a, b| {
        let by_time = a.each.median.total_cmp(&b.each.median);
        a.disturbed.cmp(&b.disturbed).then(by_time)
    });
    for row in sorted {
        let mut cells = vec![row.mechanism.to_owned()];
        if let Some(why) = &row.missing {
            let _ = writeln!(missing, " {:<20} — {why}", row.mechanism);
            continue;
        }
        let us = |it: f64| format!("{:.2}", it / 1000.0);
        match pattern {
            Pattern::RoundTrip => {
                cells.extend([
                    us(row.each.median),
                    format!("{}–{}", us(row.each.least), us(row.each.greatest)),
                ]);
                cells.extend([row.p50, row.p90, row.p99, row.p999, row.max].map(us));
            }
            Pattern::Stream => {
                let per = |it: f64| short(1e9 / it);
                cells.extend([
                    per(row.each.median),
                    format!("{}–{}", per(row.each.greatest), per(row.each.least)),
                ]);
                cells.extend([format!("{:.2}", row.gib()), short(row.lost)]);
            }
        }
        cells.push(format!("{:.0}", row.cpu.median));
        if counted {
            cells.push(row.calls.map_or("—".into(), |it| format!("{it:.2}")));
        }
        cells.push(format!("{:.2}", row.switches));
        cells.push(format!("{:.1}", row.of_limit));
        if calm {
            let mark = if row.disturbed { "!" } else { "" };
            cells.push(row.calm.map_or("—".into(), |it| format!("{it}{mark}")));
        }
        if let Some(versus) = row.versus {
            cells.push(format!("{:.3}", versus.median));
        }
        table.add_row(cells);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    format!("\n{what}, {}\n{}\n{missing}", rank(rows), table.trim_fmt())
}

/// Those that may be compared with each other: who was disturbed is not, unless all were.
pub fn comparable<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<&'a Row> {
    let mut rows: Vec<_> = rows.filter(|it| it.missing.is_none()).collect();
    if rows.iter().any(|it| !it.disturbed) {
        rows.retain(|it| !it.disturbed);
    }
    rows
}

/// Who is first, if that can be said.
fn rank(rows: &[&Row]) -> String {
    let mut there = comparable(rows.iter().copied());
    there.sort_by(|a, b| a.each.median.total_cmp(&b.each.median));
    let [first, others @ ..] = there.as_slice() else {
        return "fastest first:".into();
    };
    let tied: Vec<_> = others
        .iter()
        .filter(|it| it.each.overlaps(&first.each))
        .map(|it| it.mechanism)
        .collect();
    match tied.as_slice() {
        _ if others.is_empty() => "fastest first:".into(),
        // One figure has no range.
        _ if there.iter().any(|it| it.each.least == it.each.greatest) => {
            "fastest first, by one figure each:".into()
        }
        [] => format!("{} first:", first.mechanism),
        tied => format!(
            "no winner ({}, {} overlap):",
            first.mechanism,
            tied.join(", ")
        ),
    }
}

/// 1234567 is 1.23 M; three digits, and no zeros behind the point.
pub fn short(number: f64) -> String {
    let (number, unit) = match number {
        it if it >= 1e6 => (it / 1e6, " M"),
        it if it >= 1e3 => (it / 1e3, " k"),
        it => (it, ""),
    };
    let digits = match number {
        it if it > 0.0 && it < 0.1 => 4,
        it if it >= 100.0 => 0,
        it if it >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{number:.digits$}");
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    format!("{text}{unit}")
}

/// Whether these files can be written, before anybody measures for minutes; none is made or changed.
///
/// # Errors
/// When one cannot be written.
pub fn may_write<'a>(files: impl Iterator<Item = &'a PathBuf>) -> anyhow::Result<()> {
    for file in files {
        let shown = || format!("write {}", file.display());
        match File::options().append(true).open(file) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let folder = file.parent().filter(|it| !it.as_os_str().is_empty());
                // It has no name, and goes as soon as it is closed.
                tempfile::tempfile_in(folder.unwrap_or(Path::new("."))).with_context(shown)?;
            }
            opened => drop(opened.with_context(shown)?),
        }
    }
    Ok(())
}

/// The figures as JSON.
///
/// # Errors
/// When the file cannot be written.
pub fn json(file: &Path, machine: &Machine, plan: &Plan, figures: &Figures) -> anyhow::Result<()> {
    let all = serde_json::json!({
        "rate": plan.rate,
        "repetitions": plan.repetitions,
        "time_ms": plan.time.as_millis() as u64,
        "processors": plan.processors,
        "machine": machine,
        "limits_ns": figures.limits,
        "cache_line_ns": figures.line,
        "calm": figures.calm,
        "rows": figures.rows,
    });
    let text = serde_json::to_string_pretty(&all).context("write JSON")?;
    std::fs::write(file, text + "\n").with_context(|| format!("write {}", file.display()))
}

/// The figures as CSV, a line for each row.
///
/// # Errors
/// When the file cannot be written.
pub fn csv(file: &Path, figures: &Figures) -> anyhow::Result<()> {
    let shown = || format!("write {}", file.display());
    let mut csv = csv::Writer::from_path(file).with_context(shown)?;
    csv.write_record([
        "mechanism",
        "placement",
        "pattern",
        "bytes",
        "missing",
        "ns",
        "ns_least",
        "ns_greatest",
        "p50_ns",
        "p90_ns",
        "p99_ns",
        "p999_ns",
        "max_ns",
        "cpu_ns",
        "switches",
        "calls",
        "lost",
        "of_limit",
        "calm",
        "disturbed",
        "cpu_ns_least",
        "cpu_ns_greatest",
        "versus",
    ])
    .with_context(shown)?;
    for row in &figures.rows {
        let number = |it: f64| {
            if row.missing.is_some() {
                String::new()
            } else {
                format!("{it:.1}")
            }
        };
        let mut record = vec![
            row.mechanism.to_owned(),
            format!("{:?}", row.placement).to_lowercase(),
            if row.pattern == Pattern::Stream {
                "stream"
            } else {
                "round-trip"
            }
            .to_owned(),
            row.size.to_string(),
            row.missing.clone().unwrap_or_default(),
        ];
        record.extend([row.each.median, row.each.least, row.each.greatest].map(number));
        // A stream has no times of single messages.
        let of_one = |it| match row.pattern {
            Pattern::RoundTrip => number(it),
            Pattern::Stream => String::new(),
        };
        record.extend([row.p50, row.p90, row.p99, row.p999, row.max].map(of_one));
        record.push(number(row.cpu.median));
        record.push(match row.missing {
            Some(_) => String::new(),
            None => format!("{:.3}", row.switches),
        });
        record.push(row.calls.map_or(String::new(), |it| format!("{it:.2}")));
        record.extend([row.lost, row.of_limit].map(number));
        record.push(row.calm.map_or(String::new(), |it| it.to_string()));
        record.push(row.disturbed.to_string());
        record.extend([row.cpu.least, row.cpu.greatest].map(number));
        record.push(
            row.versus
                .map_or(String::new(), |it| format!("{:.3}", it.median)),
        );
        csv.write_record(record).with_context(shown)?;
    }
    csv.flush().with_context(shown)
}

#[cfg(test)]
mod tests {
    use super::{rank, short};
    use crate::figures::{Figure, Row};
    use crate::mechanism::Kind;
    use crate::run::{Pattern, Placement};

    fn row(mechanism: &'static str, [least, median, greatest]: [f64; 3]) -> Row {
        let each = Figure {
            median,
            least,
            greatest,
        };
        Row {
            mechanism,
            kind: Kind::Pipes,
            placement: Placement::Same,
            pattern: Pattern::Stream,
            size: 64,
            missing: None,
            each,
            calm: None,
            disturbed: false,
            p50: 0.0,
            p90: 0.0,
            p99: 0.0,
            p999: 0.0,
            max: 0.0,
            cpu: each,
            switches: 0.0,
            calls: None,
            lost: 0.0,
            of_limit: 0.0,
            versus: None,
        }
    }

    #[test]
    fn a_winner_overlaps_nobody() {
        let (a, b) = (row("a", [2.0, 2.5, 3.0]), row("b", [4.0, 5.0, 6.0]));
        let (wide, one) = (row("wide", [1.0, 9.0, 20.0]), row("one", [7.0; 3]));
        assert_eq!(rank(&[&b, &a]), "a first:");
        assert_eq!(rank(&[&a, &b, &wide]), "no winner (a, wide overlap):");
        assert_eq!(rank(&[&a, &one]), "fastest first, by one figure each:");
        let mut disturbed = row("disturbed", [0.5, 0.6, 0.7]);
        disturbed.disturbed = true;
        assert_eq!(rank(&[&a, &b, &disturbed]), "a first:");
    }

    #[test]
    fn numbers_have_three_digits() {
        let numbers = [0.0, 0.0012, 0.5, 9.999, 12.34, 123.4, 1000.0, 1_234_567.0];
        let texts = ["0", "0.0012", "0.5", "10", "12.3", "123", "1 k", "1.23 M"];
        assert_eq!(numbers.map(short), texts);
    }
}
