//! The picture, for a terminal, a browser, and a Markdown page.

mod hang;
mod mermaid;
mod svg;
mod terminal;

pub use hang::hang;
pub use mermaid::mermaid;
pub use svg::svg;
pub use terminal::terminal;

/// Text of XML: a program chose it, and so nothing in it may mean anything, nor move a cursor, nor
/// turn the direction of writing.
fn escaped(text: &str) -> String {
    let hostile = |it: char| {
        it.is_control()
            || matches!(it, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}')
    };
    (text.replace(hostile, " "))
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
