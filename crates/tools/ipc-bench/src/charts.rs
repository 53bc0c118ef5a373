//! The figures as drawings, fit for a slide: by size of message, light and dark.

use std::path::Path;

use anyhow::{Context, anyhow};
use plotters::coord::combinators::IntoLogRange;
use plotters::prelude::*;

use crate::figures::{Figure, Figures, Row};
use crate::mechanism::ALL;
use crate::mechanism::peaks::PEAKS;
use crate::report::short;
use crate::run::{Pattern, Placement};

/// Colours of background, text and grid.
struct Theme {
    name: &'static str,
    paper: RGBColor,
    ink: RGBColor,
    grid: RGBColor,
}

const THEMES: [Theme; 2] = [
    Theme {
        name: "light",
        paper: RGBColor(255, 255, 255),
        ink: RGBColor(30, 30, 30),
        grid: RGBColor(220, 220, 220),
    },
    Theme {
        name: "dark",
        paper: RGBColor(24, 26, 31),
        ink: RGBColor(225, 225, 225),
        grid: RGBColor(60, 63, 70),
    },
];

/// What a chart shows.
struct Chart {
    name: &'static str,
    title: &'static str,
    unit: &'static str,
    pattern: Pattern,
    value: fn(&Row) -> Figure,
}

const CHARTS: [Chart; 3] = [
    Chart {
        name: "latency",
        title: "Round trip by size of message",
        unit: "µs",
        pattern: Pattern::RoundTrip,
        value: |it| it.each.map(|ns| ns / 1000.0),
    },
    Chart {
        name: "throughput",
        title: "One way by size of message",
        unit: "GiB/s",
        pattern: Pattern::Stream,
        value: |it| it.each.map(|ns| it.gib_at(ns)),
    },
    Chart {
        name: "cpu",
        title: "Processor time of a message, both sides, one way",
        unit: "ns",
        pattern: Pattern::Stream,
        value: |it| it.cpu,
    },
];

/// Writes NAME-PLACEMENT-THEME.svg for each chart, and says which files.
///
/// # Errors
/// When a file cannot be written.
pub fn draw(folder: &Path, figures: &Figures) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("mkdir {}", folder.display()))?;
    for placement in [Placement::Same, Placement::Two] {
        for chart in &CHARTS {
            let rows: Vec<_> = figures
                .rows
                .iter()
                .filter(|it| {
                    // The axis has no zero.
                    (it.pattern, it.placement) == (chart.pattern, placement)
                        && it.missing.is_none()
                        && (chart.value)(it).least > 0.0
                })
                .collect();
            if rows.is_empty() {
                continue;
            }
            let place = match placement {
                Placement::Same => "same",
                Placement::Two => "two",
            };
            for theme in &THEMES {
                let file = folder.join(format!("{}-{place}-{}.svg", chart.name, theme.name));
                let drawn = one(chart, placement, theme, &rows)
                    .map_err(|error| anyhow!("draw {}: {error}", file.display()))?;
                std::fs::write(&file, drawn)
                    .with_context(|| format!("write {}", file.display()))?;
                lesson::note!("{}", file.display());
            }
        }
    }
    Ok(())
}

fn one(
    chart: &Chart,
    placement: Placement,
    theme: &Theme,
    rows: &[&Row],
) -> Result<String, Box<dyn std::error::Error>> {
    let values = || rows.iter().map(|it| (chart.value)(it));
    let (low, high) = (
        values().map(|it| it.least).fold(f64::MAX, f64::min),
        values().map(|it| it.greatest).fold(0.0, f64::max),
    );
    let (small, large) = rows.iter().fold((f64::MAX, 0.0_f64), |(small, large), it| {
        (small.min(it.size as f64), large.max(it.size as f64))
    });
    let mut drawn = String::new();
    let area = SVGBackend::with_string(&mut drawn, (960, 540)).into_drawing_area();
    area.fill(&theme.paper)?;
    let font = |size| ("sans-serif", size).into_font().color(&theme.ink);
    let place = match placement {
        Placement::Same => "both processes on one processor",
        Placement::Two => "each process on a processor of its own",
    };
    let mut context = ChartBuilder::on(&area)
        .caption(format!("{} — {place}", chart.title), font(22))
        .margin(12)
        .margin_right(150)
        .x_label_area_size(44)
        .y_label_area_size(70)
        .build_cartesian_2d(
            (small * 0.9..large * 1.2).log_scale(),
            (low * 0.8..high * 1.3).log_scale(),
        )?;
    context
        .configure_mesh()
        .axis_style(theme.ink)
        .bold_line_style(theme.grid)
        .light_line_style(theme.paper)
        .label_style(font(14))
        .axis_desc_style(font(15))
        .x_label_formatter(&|it| short(*it))
        .y_label_formatter(&|it| short(*it))
        .x_desc("bytes in a message")
        .y_desc(format!("{}, median and range", chart.unit))
        .draw()?;
    let mut names: Vec<_> = rows.iter().map(|it| it.mechanism).collect();
    names.dedup();
    for (number, name) in names.iter().enumerate() {
        let colour = colour(name, theme);
        let own = rows.iter().filter(|it| it.mechanism == *name);
        let points: Vec<_> = own
            .map(|it| (it.size as f64, (chart.value)(it), it.disturbed))
            .collect();
        context.draw_series(points.iter().map(|&(x, it, _)| {
            ErrorBar::new_vertical(
                x,
                it.least,
                it.median,
                it.greatest,
                colour.stroke_width(1),
                6,
            )
        }))?;
        let line = points.iter().map(|&(x, it, _)| (x, it.median));
        context.draw_series(LineSeries::new(line, colour.stroke_width(2)))?;
        context.draw_series(points.iter().map(|&(x, it, disturbed)| {
            let inside = if disturbed {
                theme.paper.filled()
            } else {
                colour.filled()
            };
            let at = EmptyElement::at((x, it.median));
            at + Circle::new((0, 0), 3, inside) + Circle::new((0, 0), 3, colour.stroke_width(1))
        }))?;
        // The margin on the right has the names.
        let y = 60 + 20 * number as i32;
        let stroke = vec![(822, y), (842, y)];
        area.draw(&PathElement::new(stroke, colour.stroke_width(3)))?;
        area.draw(&Text::new(*name, (848, y - 7), font(14)))?;
    }
    if rows.iter().any(|it| it.disturbed) {
        let y = 60 + 20 * names.len() as i32;
        area.draw(&Circle::new((832, y), 3, theme.ink))?;
        area.draw(&Text::new("seldom calm", (848, y - 7), font(14)))?;
    }
    area.present()?;
    drop((context, area));
    Ok(drawn)
}

/// A mechanism's own, in every chart: eight hues, in three shades.
fn colour(name: &str, theme: &Theme) -> HSLColor {
    let peaks = PEAKS.iter().map(|it| it.mechanism.name);
    let mut names = ALL.iter().map(|it| it.name).chain(peaks);
    let number = names.position(|it| it == name).unwrap_or_default();
    let shades = match theme.name {
        "dark" => [0.75, 0.6, 0.45],
        _ => [0.3, 0.45, 0.62],
    };
    HSLColor((number % 8) as f64 / 8.0, 0.75, shades[number / 8 % 3])
}
