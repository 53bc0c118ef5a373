//! The picture for a browser, in its light and in its dark colours.

use std::fmt::Write;

use super::escaped;
use crate::arrow::Why;
use crate::picture::{Phase, Picture};

const LEFT: usize = 80;
const LANE: usize = 430;
const TOP: usize = 60;
const ROW: usize = 22;

/// The picture as a file of its own.
pub fn svg(picture: &Picture) -> String {
    let width = LEFT + picture.columns.max(1) * LANE;
    let height = TOP + (picture.events.len() + 1) * ROW;
    let x = |lane: usize| LEFT + 20 + picture.lanes[lane].column * LANE;
    let y = |row: usize| TOP + row * ROW;

    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">
<style>
.ground {{ fill: #fff; }}
text {{ font: 12px ui-monospace, monospace; fill: #1b1f24; stroke: #fff; stroke-width: 3px; paint-order: stroke; }}
.label {{ font-weight: bold; }}
.time {{ fill: #6a737d; text-anchor: end; }}
.life {{ stroke: #c2c8cf; stroke-width: 2; }}
.sleep {{ fill: #d29922; opacity: .55; }}
.arrow {{ stroke: #2f81f7; stroke-width: 1.5; fill: none; marker-end: url(#head); }}
.wake {{ stroke-dasharray: 5 3; }}
.dot {{ fill: #1b1f24; }}
@media (prefers-color-scheme: dark) {{
.ground {{ fill: #0d1117; }}
text, .dot {{ fill: #e6edf3; }}
text {{ stroke: #0d1117; }}
.time {{ fill: #8b949e; }}
.life {{ stroke: #3d444d; }}
}}
</style>
<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="#2f81f7"/></marker></defs>
<rect class="ground" width="100%" height="100%"/>
<text class="time" x="{time}" y="30">ms</text>
"##,
        time = LEFT - 10,
    );
    for (number, lane) in picture.lanes.iter().enumerate() {
        let rows = || {
            picture
                .events
                .iter()
                .enumerate()
                .filter(|(_, it)| it.lane == number)
        };
        let first = rows().next().map_or(0, |it| it.0);
        let end = rows()
            .find(|(_, it)| it.phase == Phase::Ends)
            .map(|it| it.0);
        let (top, bottom) = (y(first), y(end.unwrap_or(picture.events.len())));
        let _ = writeln!(
            svg,
            r#"<line class="life" x1="{x}" y1="{top}" x2="{x}" y2="{bottom}"><title>{label}</title></line>"#,
            x = x(number),
            label = escaped(&lane.label),
        );
        let mut asleep = None;
        for (row, event) in rows() {
            match (event.phase, asleep) {
                (Phase::Sleeps, None) => asleep = Some(row),
                (Phase::Wakes | Phase::Ends, Some(since)) => {
                    bar(&mut svg, x(number), y(since), y(row));
                    asleep = None;
                }
                _ => {}
            }
        }
        if let Some(since) = asleep {
            bar(&mut svg, x(number), y(since), y(picture.events.len()));
        }
    }
    for (row, event) in picture.events.iter().enumerate() {
        let here = (x(event.lane), y(row));
        let elsewhere = |it: &(usize, Why)| picture.events[it.0].lane != event.lane;
        for (tail, why) in event.causes.iter().filter(|it| elsewhere(it)) {
            let from = (x(picture.events[*tail].lane), y(*tail));
            let class = if *why == Why::Data {
                "arrow"
            } else {
                "arrow wake"
            };
            let gap = if from.0 < here.0 { -5 } else { 5 };
            let _ = writeln!(
                svg,
                r#"<path class="{class}" d="M{} {} L{} {}"/>"#,
                from.0,
                from.1,
                here.0 as i64 + gap,
                here.1,
            );
        }
        let text: String = event.text.chars().take(58).collect();
        let class = if event.phase == Phase::Born {
            "label"
        } else {
            "call"
        };
        let _ = writeln!(
            svg,
            r#"<text class="time" x="{}" y="{base}">{:.2}</text><circle class="dot" cx="{}" cy="{}" r="3"/><text class="{class}" x="{}" y="{base}">{}<title>{}</title></text>"#,
            LEFT - 10,
            event.time.as_secs_f64() * 1e3,
            here.0,
            here.1,
            here.0 + 10,
            escaped(&text),
            escaped(&event.text),
            base = here.1 + 4,
        );
    }
    svg + "</svg>\n"
}

fn bar(svg: &mut String, x: usize, from: usize, to: usize) {
    let (left, height) = (x - 4, to.saturating_sub(from));
    let _ = writeln!(
        svg,
        r#"<rect class="sleep" x="{left}" y="{from}" width="8" height="{height}" rx="3"/>"#
    );
}
