//! The tutorial's table, with stars that are computed: the best has five, and whoever needs twice as
//! much has one less, down to one.

use std::fmt::Write;

use crate::figures::{Figures, Row};
use crate::mechanism::Kind;
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
        let rows = figures.rows.iter().filter(|it| {
            (it.kind, it.placement, it.pattern, it.size) == (kind, place, column.pattern, size)
                && it.missing.is_none()
        });
        rows.min_by(|a, b| (column.cost)(a).total_cmp(&(column.cost)(b)))
    };
    let measured =
        |it: &(Kind, &str, [u8; 3])| COLUMNS.iter().all(|column| best(it.0, column).is_some());
    if !TUTORIAL.iter().all(measured) {
        return String::new(); // Stars compare all kinds, or say nothing.
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
    if !reasons.is_empty() {
        text += "Where they differ:\n";
        text += &reasons;
    }
    text
}

/// What a message of this kind is made of.
fn reason(kind: Kind, row: &Row) -> String {
    let switches = row.switches;
    match kind {
        Kind::SharedMemory if row.mechanism.contains("ring") || row.mechanism == "mailbox" => {
            "two copies, and no system call while both are busy".into()
        }
        Kind::SharedMemory => {
            format!("two copies, but {switches:.2} switches a message: it sleeps and is woken")
        }
        Kind::Pipes => format!(
            "two system calls, two copies and {switches:.2} switches a message, nothing else"
        ),
        Kind::UnixSockets => {
            format!(
                "as a pipe ({switches:.2} switches), and a socket buffer is made and freed for each message"
            )
        }
        Kind::MessageQueues => {
            format!(
                "as a pipe ({switches:.2} switches), and the kernel keeps each message by itself"
            )
        }
        Kind::NetworkSockets => {
            format!(
                "each message goes down the whole protocol stack and up again ({switches:.2} switches)"
            )
        }
    }
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
