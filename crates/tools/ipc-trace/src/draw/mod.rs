//! The picture, for a terminal, a browser, and a Markdown page.

mod mermaid;
mod svg;
mod terminal;

pub use mermaid::mermaid;
pub use svg::svg;
pub use terminal::terminal;
