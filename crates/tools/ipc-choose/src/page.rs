//! What each way of starting the tool prints.

use lesson::say;

use crate::guide::{
    Advice, COLUMNS, COMPARISON, FEATURES, MECHANISMS, Mechanism, OTHERWISE, STEPS, TREE, USE_WHEN,
};
use crate::layout::{list, table};
use crate::tree::Path;

/// Mechanisms, one after the other.
pub fn mechanisms(these: &[&Mechanism]) {
    for (number, it) in these.iter().enumerate() {
        if number > 0 {
            say!("");
        }
        mechanism(it);
    }
}

/// Its row of the quick comparison, when to use it, and what shows it.
fn mechanism(it: &Mechanism) {
    say!("{}", it.row[0]);
    list((1..COMPARISON.len()).map(|column| [COMPARISON[column], it.row[column]]));
    say!("\nGood for:");
    list(it.good_for.iter().map(|use_case| ["+", use_case]));
    say!("\nNot suitable for:");
    list(it.not_for.iter().map(|use_case| ["-", use_case]));
    say!("\nSee it run:");
    list(it.lessons.iter().map(|lesson| see(lesson)));
}

/// The quick comparison, and both lists of "Choosing the Right Mechanism".
pub fn comparison() {
    table(COMPARISON, &MECHANISMS.map(|it| it.row));
    say!("\nChoosing the right mechanism:");
    list(USE_WHEN);
    say!("\nStep by step:");
    list(STEPS);
}

/// The feature comparison: what its rows state, the cells, and their footnotes.
pub fn features() {
    let mut notes: Vec<&str> = Vec::new();
    // The number of a footnote; cells may share one.
    let mut number = |note| match notes.iter().position(|known| *known == note) {
        Some(at) => at + 1,
        None => {
            notes.push(note);
            notes.len()
        }
    };
    let mut cell = |(says, note): (&str, Option<&'static str>)| match note {
        Some(note) => format!("{says} [{}]", number(note)),
        None => says.to_string(),
    };
    let [a, b, c, d, e] = COLUMNS;
    let header = ["Feature", a, b, c, d, e];
    let rows = FEATURES.map(|it| {
        let [a, b, c, d, e] = it.cells.map(&mut cell);
        [it.name.to_string(), a, b, c, d, e]
    });
    table(header, &rows);
    say!("\nWhat a row states:");
    list(FEATURES.map(|it| [format!("{}:", it.name), it.means.into()]));
    say!("\nFootnotes:");
    let notes = notes.into_iter().zip(1..);
    list(notes.map(|(note, number)| [format!("[{number}]"), note.into()]));
}

/// The decision tree.
pub fn tree() {
    let mut indent = String::new();
    let mut branch = String::new();
    for question in &TREE {
        say!("{branch}{}", question.text);
        say!("{indent}├─ yes: {}", question.yes.take);
        branch = format!("{indent}└─ no: ");
        indent += "   ";
    }
    say!("{branch}{}", OTHERWISE.take);
}

/// The recommendation, the answers that led there, and the lesson; `wished` are the options
/// answered with yes.
pub fn advice((path, advice): &Path, wished: &[&str]) {
    say!("Use {}.", advice.take);
    say!("\nWhy:");
    let answer = |yes: bool| if yes { "yes" } else { "no" };
    list((path.iter()).map(|(question, yes)| [question.text, answer(*yes)]));
    for (wish, hint) in advice.also_wished {
        if wished.contains(wish) {
            say!("\nAnd --{wish} yes:");
            list([["", hint]]);
        }
    }
    say!("\nSee it run:");
    list([see(advice.lesson)]);
    let Advice { mechanism, .. } = advice;
    say!("\nMore about it: cargo run -q --bin ipc-choose -- {mechanism}");
}

fn see(lesson: &str) -> [String; 2] {
    [
        format!("make run-{lesson}"),
        format!("or make demo-{lesson}; its page: crates/examples/{lesson}/README.md"),
    ]
}
