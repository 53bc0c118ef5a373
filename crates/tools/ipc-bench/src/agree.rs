//! Whether several runs of this program say the same: how far their figures lie apart, and whether who
//! is ahead of whom is ever the other way round.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use lesson::say;

use crate::figures::Figure;
use crate::pace::Calm;
use crate::run::{Pattern, Placement};

/// What is read of a file that `--json` has written.
#[derive(serde::Deserialize)]
struct Run {
    rows: Vec<Row>,
    /// Of an open loop.
    rate: Option<u64>,
    /// What its processor was like when it was calmest, and the clock at which its figures are.
    calm: Option<Calmest>,
}

#[derive(serde::Deserialize)]
struct Calmest {
    call_in_steps: Option<f64>,
    step: Option<f64>,
}

#[derive(serde::Deserialize)]
struct Row {
    mechanism: String,
    placement: Placement,
    pattern: Pattern,
    size: usize,
    missing: Option<String>,
    /// Then it is not to be compared with one that was not.
    #[serde(default)]
    disturbed: bool,
    /// JSON has no NaN: `null` where there is no figure.
    each: Numbers,
}

#[derive(serde::Deserialize)]
struct Numbers {
    median: Option<f64>,
    least: Option<f64>,
    greatest: Option<f64>,
}

type Table = (Pattern, Placement, usize);

/// Of each run, if it has that row: its figure, and whether it was disturbed.
type Figures = Vec<Option<(Figure, bool)>>;

/// Compares the figures of these files.
///
/// # Errors
/// When one cannot be read, or two mechanisms that do not overlap have changed places.
pub fn agree(files: &[PathBuf]) -> anyhow::Result<()> {
    ensure!(files.len() > 1, "--agree compares several files");
    let runs = files.iter().map(|file| {
        let text = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("read {}", file.display()))
    });
    let runs: Vec<Run> = runs.collect::<anyhow::Result<_>>()?;
    if let Some(other) = runs.iter().position(|it| it.rate != runs[0].rate) {
        bail!(
            "{} and {} were not measured at the same --rate",
            files[0].display(),
            files[other].display()
        );
    }
    let calls = |run: &Run| run.calm.as_ref()?.call_in_steps;
    let calmest = runs.iter().filter_map(calls).fold(f64::INFINITY, f64::min);
    // In each table, of each mechanism: its figure in every run.
    let mut tables: BTreeMap<Table, BTreeMap<String, Figures>> = BTreeMap::new();
    for (number, run) in runs.into_iter().enumerate() {
        // A neighbour who works all the time is not noticed by a run alone.
        let slower = calls(&run).map_or(1.0, |it| it / calmest);
        let never_calm = slower > 1.0 + Calm::TOLERANCE;
        if never_calm {
            say!(
                "{}: the processor was never all its own (system calls took {:.0} % longer than in the calmest run)",
                files[number].display(),
                100.0 * (slower - 1.0)
            );
        }
        let step = run.calm.and_then(|it| it.step).unwrap_or(1.0);
        for row in run.rows {
            if row.missing.is_some() {
                continue;
            }
            let Numbers {
                median: Some(median),
                least: Some(least),
                greatest: Some(greatest),
            } = row.each
            else {
                continue;
            };
            let table = tables.entry((row.pattern, row.placement, row.size));
            let figures = table.or_default().entry(row.mechanism).or_default();
            // Each run has a clock of its own; on two processors it is not what counts.
            let clock = match row.placement {
                // Who was disturbed was not converted to it.
                Placement::Same if !row.disturbed => step,
                _ => 1.0,
            };
            figures.resize(files.len(), None);
            let figure = Figure {
                median: median / clock,
                least: least / clock,
                greatest: greatest / clock,
            };
            let disturbed = row.disturbed || (never_calm && row.placement == Placement::Same);
            figures[number] = Some((figure, disturbed));
        }
    }
    let (mut kept, mut changed, mut compared) = (0, Vec::new(), false);
    for ((pattern, placement, size), rows) in &tables {
        let what = match pattern {
            Pattern::RoundTrip => "round trips",
            Pattern::Stream => "one way",
        };
        let spreads = |disturbed| -> Vec<_> {
            let spreads = rows
                .iter()
                .map(|(name, it)| Some((spread(it, disturbed)?, name)));
            spreads.flatten().collect()
        };
        let calm = spreads(false);
        let disturbed = rows.values().flatten().flatten().filter(|it| it.1).count();
        // If all were disturbed, all were alike.
        let (spreads, but) = match disturbed {
            0 => (calm, String::new()),
            _ if calm.is_empty() => (spreads(true), ", calm too seldom".into()),
            _ => (
                calm,
                format!(", without {}, calm too seldom", some(disturbed, "figure")),
            ),
        };
        let middle = Figure::of(spreads.iter().map(|it| it.0).collect()).median;
        if let Some((most, name)) = spreads.iter().max_by(|a, b| a.0.total_cmp(&b.0)) {
            let runs = (0..files.len())
                .filter(|run| {
                    rows.values()
                        .any(|it| it.get(*run).is_some_and(Option::is_some))
                })
                .count();
            say!(
                "{what}, {placement}, {size} B: medians of {runs} runs lie {middle:.1} % apart, at most {most:.1} % ({name}){but}"
            );
            compared = true;
        }
        let names: Vec<_> = rows.keys().collect();
        for (at, one) in names.iter().enumerate() {
            for other in &names[at + 1..] {
                match order(&rows[*one], &rows[*other]) {
                    Some(true) => kept += 1,
                    Some(false) => {
                        changed.push(format!("{what}, {placement}, {size} B: {one} and {other}"))
                    }
                    None => {}
                }
            }
        }
    }
    ensure!(compared, "no two of these files have a row in common");
    say!(
        "The same order in every run, where ranges do not overlap: {}.",
        some(kept, "pair")
    );
    ensure!(
        changed.is_empty(),
        "changed places: {}: {}",
        some(changed.len(), "pair"),
        changed.join("; ")
    );
    Ok(())
}

/// So many of them, in words.
fn some(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

/// How far the medians of those runs lie apart which were disturbed, or were not, in per cent of the middle
/// one; `None` if there are not two.
fn spread(figures: &Figures, disturbed: bool) -> Option<f64> {
    let such = figures.iter().flatten().filter(|it| it.1 == disturbed);
    let medians: Vec<_> = such.map(|it| it.0.median).collect();
    (medians.len() > 1).then(|| {
        let medians = Figure::of(medians);
        100.0 * (medians.greatest - medians.least) / medians.median
    })
}

/// Whether the order of two is the same in all runs in which their ranges do not overlap and both were
/// disturbed, or neither; `None` if there is no such run.
fn order(one: &Figures, other: &Figures) -> Option<bool> {
    let pairs = one.iter().zip(other).filter_map(|(a, b)| a.zip(*b));
    if pairs.clone().count() < 2 {
        return None;
    }
    let apart = pairs.filter(|(a, b)| a.1 == b.1 && !a.0.overlaps(&b.0));
    let mut first = apart.map(|(a, b)| a.0.median < b.0.median);
    let order = first.next()?;
    Some(first.all(|it| it == order))
}

#[cfg(test)]
mod tests {
    use super::{Figures, order, spread};
    use crate::figures::Figure;

    fn figures(values: [[f64; 2]; 2]) -> Figures {
        values
            .map(|it| Some((Figure::of(it.to_vec()), false)))
            .to_vec()
    }

    #[test]
    fn the_order_counts_only_where_ranges_do_not_overlap() {
        let low = figures([[1.0, 2.0], [1.0, 2.0]]);
        assert_eq!(order(&low, &figures([[3.0, 4.0], [3.0, 4.0]])), Some(true));
        assert_eq!(order(&low, &figures([[3.0, 4.0], [1.5, 4.0]])), Some(true));
        assert_eq!(order(&low, &figures([[2.0, 4.0], [0.5, 4.0]])), None);
        assert_eq!(order(&low, &figures([[3.0, 4.0], [0.1, 0.2]])), Some(false));
    }

    #[test]
    fn the_spread_is_in_per_cent_of_the_middle() {
        assert_eq!(
            spread(&figures([[99.0, 99.0], [101.0, 101.0]]), false),
            Some(2.0)
        );
    }

    #[test]
    fn what_was_disturbed_is_compared_with_its_like_alone() {
        let low = figures([[1.0, 2.0], [1.0, 2.0]]);
        let mut high = figures([[3.0, 4.0], [0.1, 0.2]]);
        let disturb = |it: &mut Option<(Figure, bool)>| it.iter_mut().for_each(|it| it.1 = true);
        disturb(&mut high[1]);
        assert_eq!(order(&low, &high), Some(true));
        assert_eq!((spread(&high, false), spread(&high, true)), (None, None));
        let mut both = low;
        disturb(&mut both[1]);
        assert_eq!(order(&both, &high), Some(false));
    }
}
