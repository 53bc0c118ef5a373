//! The way through the decision tree, and the answers that lead there.

use std::io::{BufRead, Write, stderr, stdin};

use anyhow::{Context, bail};
use lesson::note;

use crate::guide::{Advice, OTHERWISE, Question, TREE};

/// The questions that were answered on the way, and where it ends.
pub type Path = (Vec<(&'static Question, bool)>, &'static Advice);

/// Asks as far as the tree needs: until the first yes.
pub fn walk(mut answer: impl FnMut(&Question) -> anyhow::Result<bool>) -> anyhow::Result<Path> {
    let mut path = Vec::new();
    for question in &TREE {
        let yes = answer(question)?;
        path.push((question, yes));
        if yes {
            return Ok((path, &question.yes));
        }
    }
    Ok((path, &OTHERWISE))
}

/// Asks in the terminal, again and again until the answer is one.
pub fn ask(question: &Question) -> anyhow::Result<bool> {
    let Question {
        flag, text, means, ..
    } = question;
    loop {
        // On standard error, so that the recommendation alone goes where the output goes.
        write!(stderr(), "{text} ({means}) [y/n] ").context("write to standard error")?;
        let mut line = Vec::new();
        let read = stdin().lock().read_until(b'\n', &mut line);
        if read.context("read stdin")? == 0 {
            note!("");
            bail!(
                "no answer to \"{text}\": end of input. Start again, or give --{flag} yes or \
                 --{flag} no"
            );
        }
        match yes_or_no(&String::from_utf8_lossy(&line)) {
            Ok(answer) => return Ok(answer),
            Err(what_to_do) => note!("{what_to_do}"),
        }
    }
}

/// An answer, in the terminal and as the value of an option.
pub fn yes_or_no(word: &str) -> Result<bool, String> {
    match word.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(true),
        "n" | "no" => Ok(false),
        _ => Err("Answer yes or no (y or n).".into()),
    }
}
