//! Whether several runs of this program say the same: how far their figures lie apart, and whether who
//! is ahead of whom is ever the other way round.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use lesson::say;

use crate::figures::Figure;
use crate::report::short;
use crate::run::{Pattern, Placement};

/// What is read of a file that `--json` has written.
#[derive(serde::Deserialize)]
struct Run {
    rows: Vec<Row>,
}

#[derive(serde::Deserialize)]
struct Row {
    mechanism: String,
    placement: Placement,
    pattern: Pattern,
    size: usize,
    missing: Option<String>,
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

/// Compares the figures of these files.
///
/// # Errors
/// When one cannot be read, or two mechanisms that do not overlap have changed places.
pub fn agree(files: &[PathBuf]) -> anyhow::Result<()> {
    ensure!(files.len() > 1, "--agree compares several files");
    // In each table, of each mechanism: its figure in every run.
    let mut tables: BTreeMap<Table, BTreeMap<String, Vec<Figure>>> = BTreeMap::new();
    for file in files {
        let text = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
        let run: Run =
            serde_json::from_slice(&text).with_context(|| format!("read {}", file.display()))?;
        for row in run.rows.into_iter().filter(|it| it.missing.is_none()) {
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
            figures.push(Figure {
                median,
                least,
                greatest,
            });
        }
    }
    let (mut kept, mut changed) = (0, Vec::new());
    for ((pattern, placement, size), rows) in &tables {
        let what = match pattern {
            Pattern::RoundTrip => "round trips",
            Pattern::Stream => "one way",
        };
        let spreads: Vec<_> = rows.iter().map(|(name, it)| (spread(it), name)).collect();
        let (most, name) = spreads
            .iter()
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .context("a table without rows")?;
        let middle = Figure::of(spreads.iter().map(|it| it.0).collect()).median;
        say!(
            "{what}, {placement}, {size} B: medians of {} runs lie {middle:.1} % apart, at most {most:.1} % ({name})",
            files.len()
        );
        let names: Vec<_> = rows.keys().collect();
        for (at, one) in names.iter().enumerate() {
            for other in &names[at + 1..] {
                match order(&rows[*one], &rows[*other]) {
                    Some(true) => kept += 1,
                    Some(false) => changed.push(format!(
                        "{what}, {placement}, {} B: {one} and {other}",
                        short(*size as f64)
                    )),
                    None => {}
                }
            }
        }
    }
    say!("{kept} pairs whose ranges do not overlap have the same order in every run.");
    ensure!(
        changed.is_empty(),
        "{} pairs have changed places: {}",
        changed.len(),
        changed.join("; ")
    );
    Ok(())
}

/// How far the runs' medians lie apart, in per cent of the middle one.
fn spread(figures: &[Figure]) -> f64 {
    let medians = Figure::of(figures.iter().map(|it| it.median).collect());
    100.0 * (medians.greatest - medians.least) / medians.median
}

/// Whether the order of two is the same in all runs in which their ranges do not overlap; `None` if
/// there is no such run.
fn order(one: &[Figure], other: &[Figure]) -> Option<bool> {
    let apart = one.iter().zip(other).filter(|(a, b)| !a.overlaps(b));
    let mut first = apart.map(|(a, b)| a.median < b.median);
    let order = first.next()?;
    Some(first.all(|it| it == order))
}

#[cfg(test)]
mod tests {
    use super::{order, spread};
    use crate::figures::Figure;

    fn figures(values: [[f64; 2]; 2]) -> Vec<Figure> {
        values.map(|it| Figure::of(it.to_vec())).to_vec()
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
        assert_eq!(spread(&figures([[99.0, 99.0], [101.0, 101.0]])), 2.0);
    }
}
