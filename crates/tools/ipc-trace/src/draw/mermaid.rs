//! A Mermaid sequence diagram, which Markdown pages draw: https://mermaid.js.org

use std::fmt::Write;

use crate::arrow::Why;
use crate::picture::{Phase, Picture};

/// The picture as the text of a `mermaid` block. It has no times, and names instead of pids: two
/// runs in which the same things happened in the same order give the same text.
pub fn mermaid(picture: &Picture) -> String {
    let mut text = String::from("sequenceDiagram\n");
    for (number, lane) in picture.lanes.iter().enumerate() {
        let name = name(picture, number, &lane.label);
        let _ = writeln!(text, "    participant P{number} as {name}");
    }
    let mut asleep = vec![false; picture.lanes.len()];
    // What an arrow shows need not be said beside its tail once more.
    let tails: Vec<usize> = (picture.events.iter())
        .flat_map(|event| event.causes.iter().map(|it| it.0))
        .collect();
    for (index, event) in picture.events.iter().enumerate() {
        let lane = event.lane;
        let said = match event.phase {
            Phase::Born => "fork".to_owned(),
            _ => quoted(&without_pids(picture, &without_times(&event.text))),
        };
        if let Some((_, left_out)) = picture.gap.filter(|gap| gap.0 == index) {
            let last = picture.lanes.len() - 1;
            let _ = writeln!(text, "    Note over P0,P{last}: {left_out} more");
        }
        let first = event.causes.first();
        let from = first.map(|(tail, why)| (picture.events[*tail].lane, *why));
        match from.filter(|(from, _)| *from != lane) {
            Some((from, why)) => {
                let line = if why == Why::Data { "->>" } else { "-->>" };
                let what = match (&event.brought, first) {
                    (Some(brought), Some((tail, _))) => {
                        let call = picture.events[*tail].text.split('(').next().unwrap_or("");
                        let took = said.split(['(', ' ']).next().unwrap_or("");
                        format!("{call}, {took}: {}", quoted(brought))
                    }
                    _ => said,
                };
                let _ = writeln!(text, "    P{from}{line}P{lane}: {what}");
            }
            None if event.phase == Phase::Born => {}
            None if tails.contains(&index) && event.phase == Phase::Once => {}
            None => {
                let _ = writeln!(text, "    Note over P{lane}: {said}");
            }
        }
        match event.phase {
            Phase::Sleeps if !asleep[lane] => {
                asleep[lane] = true;
                let _ = writeln!(text, "    activate P{lane}");
            }
            Phase::Wakes | Phase::Ends if asleep[lane] => {
                asleep[lane] = false;
                let _ = writeln!(text, "    deactivate P{lane}");
            }
            _ => {}
        }
    }
    text
}

/// The program's name; its number among those of the same name where there are several.
fn name(picture: &Picture, number: usize, label: &str) -> String {
    let program = |label: &str| label.split(' ').next().unwrap_or("").to_owned();
    let same = |it: &&crate::picture::Lane| program(&it.label) == program(label);
    if picture.lanes.iter().filter(same).count() == 1 {
        return program(label);
    }
    let place = picture.lanes[..=number].iter().filter(same).count();
    format!("{} {place}", program(label))
}

fn without_times(text: &str) -> String {
    match text.rsplit_once(" after ") {
        Some((text, time)) if time.ends_with(" ms") => text.to_owned(),
        _ => text.to_owned(),
    }
}

/// The processes' names instead of their pids: `waitpid(pipe 2)`.
fn without_pids(picture: &Picture, text: &str) -> String {
    // In other calls a number is a descriptor, a size, an id.
    if !(["fork", "waitpid", "kill", "tgkill"].iter()).any(|call| text.starts_with(call)) {
        return text.to_owned();
    }
    let word = |word: &str| {
        let number = (picture.lanes.iter()).position(|lane| Ok(lane.tid) == word.parse());
        number.map_or(word.to_owned(), |number| {
            name(picture, number, &picture.lanes[number].label)
        })
    };
    let mut without = String::new();
    for part in text.split_inclusive(|it: char| !it.is_ascii_digit()) {
        let digits = part.trim_end_matches(|it: char| !it.is_ascii_digit());
        without.push_str(&word(digits));
        without.push_str(&part[digits.len()..]);
    }
    without
}

/// Mermaid ends a statement at `;`, takes `#` for the beginning of a character's number, and `<` for
/// that of an HTML tag.
fn quoted(text: &str) -> String {
    (text.chars())
        .map(|it| match it {
            '#' => "#35;".to_owned(),
            ';' => "#59;".to_owned(),
            '<' => "#lt;".to_owned(),
            '>' => "#gt;".to_owned(),
            '\n' => " ".to_owned(),
            other => other.to_string(),
        })
        .collect()
}
