//! Which mechanism? Asks the questions of the tutorial's decision tree, and shows its tables.
//!
//! One program, no partner: cargo run -q --bin ipc-choose

mod args;
mod guide;
mod layout;
mod page;
mod tree;

use std::io::{IsTerminal, stdin};

use lesson::Failure;

use crate::guide::TREE;

fn main() -> Result<(), Failure> {
    let args = args::command().get_matches();
    if let Some(words) = args.get_many::<String>("MECHANISM") {
        let words: Vec<_> = words.map(String::as_str).collect();
        page::mechanisms(&args::named(&words.join(" ")));
    } else if args.get_flag("compare") {
        page::comparison();
    } else if args.get_flag("table") {
        page::features();
    } else if args.get_flag("tree") {
        page::tree();
    } else {
        let given = |flag: &str| args.get_one::<bool>(flag).copied();
        let path = tree::walk(|question| match given(question.flag) {
            Some(answer) => Ok(answer),
            None if stdin().is_terminal() => tree::ask(question),
            None => args::missing(question),
        })?;
        let flags = TREE.iter().map(|question| question.flag);
        let wished: Vec<_> = flags.filter(|flag| given(flag) == Some(true)).collect();
        page::advice(&path, &wished);
    }
    Ok(())
}
