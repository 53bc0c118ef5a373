//! The arguments: an option for each question of the tree, and what there is to show.

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgGroup, Command};

use crate::guide::{MECHANISMS, Mechanism, Question, TREE};
use crate::tree::yes_or_no;

const USAGE: &str = "ipc-choose [ANSWERS]
       ipc-choose MECHANISM | --compare | --table | --tree";

pub fn command() -> Command {
    let show = |name: &'static str, help: &'static str| {
        let arg = Arg::new(name).long(name).help(help);
        arg.action(ArgAction::SetTrue).group("show")
    };
    let answer = |it: &Question| {
        let arg = Arg::new(it.flag).long(it.flag).value_name("yes|no");
        let arg = arg.value_parser(yes_or_no).conflicts_with("show");
        arg.help(it.text).help_heading("Answers")
    };
    let mechanism = Arg::new("MECHANISM").num_args(1..).group("show");
    Command::new("ipc-choose")
        .about("Which mechanism? Asks, or takes the answers as options; and shows the tables")
        .override_usage(USAGE)
        .after_help(format!("Mechanisms:\n  {}", names()))
        .arg(mechanism.help("When to use it; the name of a lesson will do as well"))
        .arg(show("compare", "The quick comparison, and how to choose"))
        .arg(show("table", "The feature comparison, with footnotes"))
        .arg(show("tree", "The decision tree"))
        .group(ArgGroup::new("show").multiple(false))
        .args(TREE.iter().map(answer))
}

/// The mechanisms of that name: both kinds of socket for "sockets" and for the lesson framing.
pub fn named(words: &str) -> Vec<&'static Mechanism> {
    let wanted = words.to_lowercase().replace([' ', '_'], "-");
    let called = |name: &&str| *name == wanted || format!("{name}s") == wanted;
    let found: Vec<_> = (MECHANISMS.iter())
        .filter(|it| called(&it.name) || it.also.iter().chain(it.lessons).any(called))
        .collect();
    if found.is_empty() {
        let problem = format!("there is no mechanism '{words}': there are {}", names());
        usage(ErrorKind::InvalidValue, problem);
    }
    found
}

pub fn missing(Question { flag, text, .. }: &Question) -> ! {
    let problem = format!("{text} Without a terminal to ask in, give --{flag} yes or --{flag} no");
    usage(ErrorKind::MissingRequiredArgument, problem)
}

fn usage(kind: ErrorKind, problem: String) -> ! {
    command().error(kind, problem).exit()
}

fn names() -> String {
    MECHANISMS.map(|it| it.name).join(", ")
}
