//! The tutorial's table, with stars that are computed: the best has five, and whoever needs twice as
//! much has one less, down to one.

use std::fmt::Write;

use crate::figures::{Figures, Row};
use crate::mechanism::Kind;
use crate::report::{comparable, drifts};
use crate::run::{Pattern, Placement};

/// The tutorial's own: throughput, latency, CPU usage.
const TUTORIAL: [(Kind, &str, [u8; 3]); 5] = [
    (Kind::SharedMemory, "Shared Memory", [5, 5, 5]),
    (Kind::Pipes, "Pipes", [4, 4, 4]),
    (Kind::UnixSockets, "Unix Domain Sockets", [4, 3, 3]),
    (Kind::MessageQueues, "Message Queues", [3, 3, 3]),
    (Kind::NetworkSockets, "Network Sockets", [2, 2, 2]),
];

/// The stars for `cost` where the least is `best`.
fn stars(cost: f64, best: f64) -> u8 {
    let halvings = (cost / best).log2().round();
    (5.0 - halvings).clamp(1.0, 5.0) as u8
}

fn drawn(count: u8) -> String {
    "★".repeat(count.into()) + &"☆".repeat(5_usize.saturating_sub(count.into()))
}

/// A column: which rows it looks at, and what it costs there.
struct Column {
    name: &'static str,
    pattern: Pattern,
    cost: fn(&Row) -> f64,
}

const COLUMNS: [Column; 3] = [
    Column {
        name: "throughput",
        pattern: Pattern::Stream,
        cost: |it| it.each.median,
    },
    Column {
        name: "latency",
        pattern: Pattern::RoundTrip,
        cost: |it| it.each.median,
    },
    Column {
        name: "CPU",
        pattern: Pattern::Stream,
        cost: |it| it.cpu.median,
    },
];

/// The table, and a line for each star that differs; nothing unless all kinds were measured.
pub fn text(figures: &Figures) -> String {
    let Some(place) = [Placement::Two, Placement::Same].into_iter().find(|place| {
        let rows = figures
            .rows
            .iter()
            .filter(|it| it.placement == *place && it.missing.is_none());
        rows.count() > 0
    }) else {
        return String::new();
    };
    let Some(size) = figures
        .rows
        .iter()
        .filter(|it| it.missing.is_none())
        .map(|it| it.size)
        .min()
    else {
        return String::new();
    };
    let best = |kind: Kind, column: &Column| {
        let like = |it: &&Row| (it.placement, it.pattern, it.size) == (place, column.pattern, size);
        let rows = comparable(figures.rows.iter().filter(like)).into_iter();
        let rows = rows.filter(|it| it.kind == kind);
        rows.min_by(|a, b| (column.cost)(a).total_cmp(&(column.cost)(b)))
    };
    for (kind, name, _) in TUTORIAL {
        let there = |it: &Row| it.kind == kind && it.placement == place && it.size == size;
        if COLUMNS.iter().any(|column| best(kind, column).is_none()) {
            // Stars compare all kinds, or say nothing.
            return match figures.rows.iter().any(|it| there(it) && it.disturbed) {
                true => format!("\nNo stars: {name} was calm too seldom.\n"),
                false => String::new(),
            };
        }
    }
    let mut text = format!(
        "\nThe tutorial's stars, and those of these figures ({size} B, {place}, the best of \
         each kind; the best of all has five, each star less is twice the cost)\n",
    );
    let mut reasons = String::new();
    for (kind, name, theirs) in TUTORIAL {
        let _ = write!(text, "  {name:<20}");
        for (column, theirs) in COLUMNS.iter().zip(theirs) {
            let all = TUTORIAL.iter().filter_map(|(kind, ..)| best(*kind, column));
            let least = all.map(column.cost).min_by(f64::total_cmp);
            let (Some(row), Some(least)) = (best(kind, column), least) else {
                continue;
            };
            let cost = (column.cost)(row);
            let ours = stars(cost, least);
            let _ = write!(
                text,
                "  {} {} → {}",
                column.name,
                drawn(theirs),
                drawn(ours)
            );
            if ours != theirs {
                let _ = writeln!(
                    reasons,
                    "  {name}, {}: {} needs {:.0} ns, {:.1} times the best: {}",
                    column.name,
                    row.mechanism,
                    cost,
                    cost / least,
                    reason(kind, row)
                );
            }
        }
        text += "\n";
    }
    if place == Placement::Two && drifts(figures) {
        text +=
            "(What a cache line takes has moved: those of Shared Memory may be another time's.)\n";
    }
    if !reasons.is_empty() {
        text += "Where they differ:\n";
        text += &reasons;
    }
    text
}

/// What a message of this row is made of, and what its kind has beside that.
fn reason(kind: Kind, row: &Row) -> String {
    let calls = match row.calls {
        Some(calls) if calls < 0.05 => "no system call".into(),
        Some(calls) => format!("{calls:.1} system calls"),
        None => "its system calls".into(),
    };
    let beside = match kind {
        Kind::SharedMemory => "",
        // Each of them wakes a process that sleeps; or nobody sleeps, and the calls are all there is.
        Kind::Pipes if row.switches < 0.05 => ", and nothing else",
        Kind::Pipes => ", and waking who sleeps",
        Kind::UnixSockets => ", and a socket buffer made and freed",
        Kind::MessageQueues => ", and memory for each message by itself",
        Kind::NetworkSockets => ", and the protocol stack down and up again",
    };
    format!(
        "{calls}, {:.2} switches and two copies a message{beside}",
        row.switches
    )
}

#[cfg(test)]
mod tests {
    use super::stars;

    #[test]
    fn each_doubling_costs_a_star_down_to_one() {
        assert_eq!(
            [1.0, 1.4, 2.0, 4.1, 8.0, 16.0, 1000.0].map(|it| stars(it, 1.0)),
            [5, 5, 4, 3, 2, 1, 1]
        );
    }
}
