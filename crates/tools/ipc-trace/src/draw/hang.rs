//! Who waits for what, and who holds it: the picture of a hang, for a browser.

use std::fmt::Write;

use super::escaped;
use crate::blocked::Wait;

/// More than that says nothing more.
const MOST: usize = 24;
const ROW: usize = 34;
const LEFT: usize = 20;
const BOX: usize = 270;
const LABEL: usize = LEFT + BOX + 14;
const BEND: usize = LABEL + 330;
const RIGHT: usize = BEND + 70;
const OBJECT: usize = 330;
const TOP: usize = 24;

/// A line from a process to an object.
struct Edge<'a> {
    process: usize,
    object: usize,
    class: &'static str,
    label: &'a str,
}

/// What is to be drawn: processes on the left, objects on the right.
#[derive(Default)]
struct Hang<'a> {
    processes: Vec<(u32, &'a str)>,
    /// Their names, and in which state they are.
    objects: Vec<(&'a str, String)>,
    edges: Vec<Edge<'a>>,
}

impl<'a> Hang<'a> {
    fn new(waits: &'a [Wait]) -> Self {
        let mut hang = Self::default();
        for wait in waits.iter().take(MOST) {
            let blocked = &wait.blocked;
            let process = hang.process(blocked.pid, &blocked.program);
            let state = match wait.holders.is_empty() {
                true => blocked.because.clone(),
                false => "somebody holds it".to_owned(),
            };
            let object = hang.object(&wait.object, state);
            hang.edge(process, object, "waits", &blocked.call);
        }
        let held = waits.iter().take(MOST).flat_map(|wait| {
            let holders = wait.holders.iter();
            holders.map(move |holder| (wait, holder))
        });
        for (wait, holder) in held.take(MOST) {
            let process = hang.process(holder.pid, &holder.program);
            let object = hang.object(&wait.object, String::new());
            hang.edge(process, object, "holds", &holder.how);
        }
        // Each process has its lines beside it.
        hang.edges.sort_by_key(|edge| edge.process);
        hang
    }

    fn process(&mut self, pid: u32, program: &'a str) -> usize {
        let found = self.processes.iter().position(|it| it.0 == pid);
        found.unwrap_or_else(|| {
            self.processes.push((pid, program));
            self.processes.len() - 1
        })
    }

    fn object(&mut self, name: &'a str, state: String) -> usize {
        let found = self.objects.iter().position(|it| it.0 == name);
        found.unwrap_or_else(|| {
            self.objects.push((name, state));
            self.objects.len() - 1
        })
    }

    fn edge(&mut self, process: usize, object: usize, class: &'static str, label: &'a str) {
        let same = |it: &Edge| (it.process, it.object, it.label) == (process, object, label);
        if !self.edges.iter().any(same) {
            self.edges.push(Edge {
                process,
                object,
                class,
                label,
            });
        }
    }
}

/// The picture as a file of its own.
pub fn hang(waits: &[Wait]) -> String {
    let hang = Hang::new(waits);
    let rows = hang.edges.len().max(2 * hang.objects.len());
    let (width, height) = (RIGHT + OBJECT + 20, TOP + rows * ROW + 20);
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">
<style>
text {{ font: 13px ui-monospace, monospace; fill: #1b1f24; }}
.ground {{ fill: #fff; }}
.name {{ font-weight: bold; }}
.box {{ fill: #f4f4f4; stroke: #444; stroke-width: 2; }}
.waits, .holds {{ stroke-width: 2; fill: none; }}
.waits {{ stroke: #a31515; marker-end: url(#waits); }}
.holds {{ stroke: #2f81f7; stroke-dasharray: 6 3; marker-end: url(#holds); }}
</style>
<defs>{}{}</defs>
<rect class="ground" width="100%" height="100%"/>
"##,
        head("waits", "#a31515"),
        head("holds", "#2f81f7"),
    );
    let share = rows.checked_div(hang.objects.len()).unwrap_or(1) * ROW;
    for (number, (name, state)) in hang.objects.iter().enumerate() {
        let y = TOP + number * share;
        boxed(&mut svg, (RIGHT, y, OBJECT), 2 * ROW - 10, name, state);
    }
    for (number, (pid, program)) in hang.processes.iter().enumerate() {
        let edges = hang.edges.iter().filter(|it| it.process == number).count();
        let before = hang.edges.iter().filter(|it| it.process < number).count();
        let (y, height) = (TOP + before * ROW, edges * ROW - 4);
        let label = format!("{program} ({pid})");
        boxed(&mut svg, (LEFT, y, BOX), height, &label, "");
    }
    for (row, edge) in hang.edges.iter().enumerate() {
        let y = TOP + row * ROW + 22;
        let to = TOP + edge.object * share + ROW - 5;
        let class = edge.class;
        let from = LEFT + BOX;
        let _ = writeln!(
            svg,
            r#"<path class="{class}" d="M{from} {y} H{BEND} L{RIGHT} {to}"/><text x="{LABEL}" y="{}">{class}: {}</text>"#,
            y - 5,
            cut(edge.label, 34),
        );
    }
    svg + "</svg>\n"
}

/// The head of an arrow.
fn head(id: &str, colour: &str) -> String {
    format!(
        r#"<marker id="{id}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto"><path d="M0 0 8 4 0 8z" fill="{colour}"/></marker>"#
    )
}

/// A box at that place and of that width, with one or two lines of text.
fn boxed(
    svg: &mut String,
    (x, y, width): (usize, usize, usize),
    height: usize,
    name: &str,
    state: &str,
) {
    let _ = writeln!(
        svg,
        r#"<rect class="box" x="{x}" y="{y}" width="{width}" height="{height}" rx="6"/><text class="name" x="{}" y="{}">{}</text><text x="{}" y="{}">{}</text>"#,
        x + 10,
        y + 20,
        cut(name, width / 8 - 3),
        x + 10,
        y + 42,
        cut(state, width / 8 - 3),
    );
}

/// Text that fits; of a long path the end says more.
fn cut(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return escaped(text);
    }
    let (head, tail) = (most / 2, most - most / 2 - 1);
    let first: String = text.chars().take(head).collect();
    let last: String = text.chars().skip(length - tail).collect();
    escaped(&format!("{first}…{last}"))
}
