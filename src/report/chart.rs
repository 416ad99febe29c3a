//! Charts as inline SVG. Horizontal positions are percentages and vertical ones are pixels. A chart thus
//! fills the width of the page, and its text has the same size on a phone and on paper.
//!
//! The SVG is written by hand. All text in it goes through [`text`].

use std::fmt::Write;

use maud::{Markup, PreEscaped, Render, html};

use super::axis::{Tick, round_up};
use crate::html::{Untrusted, ratio};

/// Height below the plot, for the axis.
const FOOT: f64 = 22.0;
/// Height above the plot, for half of a number.
const HEAD: f64 = 8.0;
/// Minimum height of a bar, in pixels.
const MIN_HEIGHT: f64 = 1.0;
/// Width of a curve in units. It is stretched to the plot.
const CURVE_WIDTH: usize = 1000;

/// The parts of every chart.
pub(super) struct Frame<'a> {
    /// ID of the chart, unique on the page.
    pub(super) id: &'a str,
    pub(super) title: &'a str,
    /// Unit of the numbers, such as "per 2 s".
    pub(super) unit: &'a str,
    /// Text alternative of the chart.
    pub(super) description: &'a str,
    pub(super) height: f64,
    pub(super) ticks: &'a [Tick],
    pub(super) number: fn(u64) -> String,
    pub(super) key: &'a [Key<'a>],
}

/// An entry of the legend.
pub(super) struct Key<'a> {
    pub(super) class: &'a str,
    pub(super) label: String,
}

/// Values of one kind, in one color.
pub(super) struct Series<'a> {
    pub(super) class: &'a str,
    pub(super) name: &'a str,
    pub(super) values: Vec<u64>,
}

/// Text in an SVG.
fn text(text: &str) -> String {
    Untrusted(text).render().into_string()
}

/// Stacked bars. The first series is at the bottom.
pub(super) fn stacked_bars(frame: &Frame, labels: &[String], series: &[Series]) -> Markup {
    let sum = |at: usize| series.iter().filter_map(|series| series.values.get(at)).sum::<u64>();
    let most = (0..labels.len()).map(sum).max().unwrap_or_default();
    figure(frame, most, |svg, top| {
        let step = 100.0 / ratio(labels.len() as u64, 1);
        let width = step * if labels.len() > 60 { 0.9 } else { 0.82 };
        for (at, label) in labels.iter().enumerate().filter(|(at, _)| sum(*at) > 0) {
            let left = step * ratio(at as u64, 1) + (step - width) / 2.0;
            let parts = series.iter().filter_map(|series| Some((series, *series.values.get(at)?)));
            let shown = parts.clone().filter(|(_, value)| *value > 0);
            let shown = shown.map(|(series, value)| format!("{} {}", (frame.number)(value), series.name));
            let shown = shown.collect::<Vec<_>>().join(", ");
            let _ = write!(svg, "<g><title>{}: {}</title>", text(label), text(&shown));
            let mut y = HEAD + frame.height;
            for (series, value) in parts.filter(|(_, value)| *value > 0) {
                let height = (ratio(value, top) * frame.height).max(MIN_HEIGHT);
                y -= height;
                let class = series.class;
                let _ = write!(
                    svg,
                    r#"<rect class="bar {class}" x="{left:.3}%" y="{y:.2}" width="{width:.3}%" height="{height:.2}"/>"#
                );
            }
            svg.push_str("</g>\n");
        }
    })
}

/// Step lines. A missing value leaves a gap.
pub(super) fn levels(frame: &Frame, series: &[(&str, Vec<Option<u64>>)]) -> Markup {
    let most = series.iter().flat_map(|(_, values)| values).flatten().max().copied().unwrap_or_default();
    figure(frame, most, |svg, top| {
        let height = frame.height;
        let _ = write!(
            svg,
            r#"<svg x="0" y="{HEAD}" width="100%" height="{height}" viewBox="0 0 {CURVE_WIDTH} {height}" preserveAspectRatio="none">"#
        );
        for (class, values) in series {
            let path = level_path(values, height, top);
            let _ = write!(svg, r#"<path class="curve {class}" d="{path}"/>"#);
        }
        svg.push_str("</svg>\n");
    })
}

fn level_path(values: &[Option<u64>], height: f64, top: u64) -> String {
    let mut path = String::new();
    let mut is_drawing = false;
    let step = ratio(CURVE_WIDTH as u64, values.len() as u64);
    for (at, value) in values.iter().enumerate() {
        let Some(value) = value else {
            is_drawing = false;
            continue;
        };
        let (left, y) = (step * ratio(at as u64, 1), height - ratio(*value, top) * height);
        let begin = if is_drawing { 'L' } else { 'M' };
        let _ = write!(path, "{begin}{left:.2} {y:.2}H{:.2}", left + step);
        is_drawing = true;
    }
    path
}

/// The title, the axes and the plot. `draw` gets the number at the top of the axis.
fn figure(frame: &Frame, most: u64, draw: impl FnOnce(&mut String, u64)) -> Markup {
    let (step, top) = round_up(most);
    let marks: Vec<(u64, f64)> = (0..=top / step)
        .map(|count| count * step)
        .map(|value| (value, HEAD + frame.height - ratio(value, top) * frame.height))
        .collect();
    let mut plot = String::new();
    draw(&mut plot, top);
    html! {
        figure {
            figcaption { (frame.title) " " span.unit { (frame.unit) } (legend(frame.key)) }
            div.plot { (numbers(frame, &marks)) (drawing(frame, &marks, &plot)) }
        }
    }
}

/// The numbers of the vertical axis.
fn numbers(frame: &Frame, marks: &[(u64, f64)]) -> PreEscaped<String> {
    let whole = HEAD + frame.height + FOOT;
    let mut svg = format!(r#"<svg height="{whole}" aria-hidden="true" focusable="false">"#);
    for (value, y) in marks {
        let (y, number) = (y + 4.0, text(&(frame.number)(*value)));
        let _ = write!(svg, r#"<text x="100%" dx="-8" y="{y:.1}" text-anchor="end">{number}</text>"#);
    }
    svg.push_str("</svg>");
    PreEscaped(svg)
}

/// The grid, the plot and the horizontal axis.
fn drawing(frame: &Frame, marks: &[(u64, f64)], plot: &str) -> PreEscaped<String> {
    let Frame { id, title, description, height, ticks, .. } = frame;
    let (whole, base) = (HEAD + height + FOOT, HEAD + height);
    let mut svg = format!(
        "<svg height=\"{whole}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\">\n\
         <title id=\"{id}-title\">{}</title><desc id=\"{id}-desc\">{}</desc>\n",
        text(title),
        text(description)
    );
    for (_, y) in marks.iter().skip(1) {
        let _ = write!(svg, r#"<line class="grid" x1="0" x2="100%" y1="{y:.1}" y2="{y:.1}"/>"#);
    }
    svg.push_str(plot);
    let _ = write!(svg, r#"<line class="base" x1="0" x2="100%" y1="{base}" y2="{base}"/>"#);
    for Tick { at, label } in *ticks {
        let anchor = match at {
            ..0.05 => "start",
            0.93.. => "end",
            _ => "middle",
        };
        let x = at * 100.0;
        let _ = write!(
            svg,
            r#"<line class="base" x1="{x:.3}%" x2="{x:.3}%" y1="{base}" y2="{}"/><text x="{x:.3}%" y="{}" text-anchor="{anchor}">{}</text>"#,
            base + 4.0,
            base + 18.0,
            text(label)
        );
    }
    svg.push_str("\n</svg>");
    PreEscaped(svg)
}

fn legend(key: &[Key]) -> Markup {
    let mark = |class: &str| {
        PreEscaped(if class.contains("curve") {
            format!(r#"<path class="{class}" d="M0 5H18"/>"#)
        } else {
            format!(r#"<rect class="{class}" width="18" height="10"/>"#)
        })
    };
    html! {
        @if !key.is_empty() {
            ul.key {
                @for Key { class, label } in key {
                    li { svg aria-hidden="true" focusable="false" { (mark(class)) } (label) }
                }
            }
        }
    }
}

/// A bar in a table row that shows a share.
pub(super) fn meter(part: u64, whole: u64, class: &str) -> PreEscaped<String> {
    let mut width = ratio(part, whole) * 100.0;
    if part > 0 {
        width = width.max(0.8);
    }
    PreEscaped(format!(
        r#"<svg aria-hidden="true" focusable="false"><rect class="trough" y="5" width="100%" height="2"/><rect class="{class}" width="{width:.2}%" height="12"/></svg>"#
    ))
}
