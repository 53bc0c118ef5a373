//! Tables and lists: as wide as the terminal, and Markdown, a row a line, where there is none.

use std::fmt::Display;
use std::io::stdout;

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};
use lesson::say;
use terminal_size::terminal_size_of;

/// Prints a table: Markdown, a row a line, unless the terminal is too narrow for that.
pub fn table<const N: usize>(header: [&str; N], rows: &[[impl AsRef<str> + Display; N]]) {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table.set_header(header).add_rows(rows);
    let needed = table.lines().map(|line| line.len()).max();
    if let Some(width) = terminal_width().filter(|width| needed > Some((*width).into())) {
        table.load_preset(presets::UTF8_NO_BORDERS);
        fit(&mut table, width);
        // No word is broken, if they all fit.
        let longest = |column: usize| {
            let cells = rows.iter().map(|row| row[column].as_ref());
            let words = cells
                .chain([header[column]])
                .flat_map(str::split_whitespace);
            words.map(str::len).max().unwrap_or(0) as u16 + 2 // a space on either side
        };
        let longest: Vec<_> = (0..N).map(longest).collect();
        if longest.iter().sum::<u16>() + N as u16 <= width {
            let lower = |&it| ColumnConstraint::LowerBoundary(Width::Fixed(it));
            table.set_constraints(longest.iter().map(lower));
        }
    }
    say!("{}", table.trim_fmt());
}

/// Prints two columns without lines between them, indented; in a terminal the second one wraps.
pub fn list(rows: impl IntoIterator<Item = [impl ToString; 2]>) {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).add_rows(rows);
    if let Some(width) = terminal_width() {
        fit(&mut table, width);
    }
    if let Some(first) = table.column_mut(0) {
        first.set_padding((2, 1));
    }
    say!("{}", table.trim_fmt());
}

fn fit(table: &mut Table, width: u16) {
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(width);
}

/// None for a file and a pipe.
fn terminal_width() -> Option<u16> {
    terminal_size_of(stdout()).map(|(width, _)| width.0)
}
