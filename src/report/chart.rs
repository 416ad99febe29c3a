//! Charts as inline SVG. Places across are percent and places down are pixels, so that a chart is as wide as the page
//! and its text as large as it should be, on a telephone as on paper.

use std::fmt::Write;

use super::axis::{Tick, round_up};
use super::text::{Escaped, ratio};

/// Below the plot, for the marks of the axis.
const FOOT: f64 = 22.0;
/// Above it, for half a number.
const HEAD: f64 = 8.0;
/// What is not nothing is seen.
const LEAST_HEIGHT: f64 = 1.0;
/// The units across of a curve, which is stretched to the plot.
const CURVE_WIDTH: usize = 1000;

/// What all charts have.
pub(super) struct Frame<'a> {
    /// Unique on the page.
    pub(super) id: &'a str,
    pub(super) title: &'a str,
    /// Of the numbers: "per 2 s".
    pub(super) unit: &'a str,
    /// The chart in words.
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

/// One kind of thing, in a colour.
pub(super) struct Series<'a> {
    pub(super) class: &'a str,
    pub(super) name: &'a str,
    pub(super) values: Vec<u64>,
}

/// Bars over each other, in the order given from below.
pub(super) fn stacked_bars(html: &mut String, frame: &Frame, labels: &[String], series: &[Series]) {
    let sum = |at: usize| series.iter().filter_map(|series| series.values.get(at)).sum::<u64>();
    let most = (0..labels.len()).map(sum).max().unwrap_or_default();
    figure(html, frame, most, |html, top| {
        let step = 100.0 / ratio(labels.len() as u64, 1);
        let width = step * if labels.len() > 60 { 0.9 } else { 0.82 };
        for (at, label) in labels.iter().enumerate().filter(|(at, _)| sum(*at) > 0) {
            let left = step * ratio(at as u64, 1) + (step - width) / 2.0;
            let _ = write!(html, "<g><title>{}: ", Escaped(label));
            let parts = series.iter().filter_map(|series| Some((series, *series.values.get(at)?)));
            let told = parts.clone().filter(|(_, value)| *value > 0);
            let told = told.map(|(series, value)| format!("{} {}", (frame.number)(value), series.name));
            let _ = write!(html, "{}</title>", Escaped(&told.collect::<Vec<_>>().join(", ")));
            let mut y = HEAD + frame.height;
            for (series, value) in parts.filter(|(_, value)| *value > 0) {
                let height = (ratio(value, top) * frame.height).max(LEAST_HEIGHT);
                y -= height;
                let class = series.class;
                let _ = write!(
                    html,
                    r#"<rect class="bar {class}" x="{left:.3}%" y="{y:.2}" width="{width:.3}%" height="{height:.2}"/>"#
                );
            }
            html.push_str("</g>\n");
        }
    });
}

/// Lines that stay level for the length of each value; a value that is not there leaves a gap.
pub(super) fn levels(html: &mut String, frame: &Frame, series: &[(&str, Vec<Option<u64>>)]) {
    let most = series.iter().flat_map(|(_, values)| values).flatten().max().copied().unwrap_or_default();
    figure(html, frame, most, |html, top| {
        let height = frame.height;
        let _ = write!(
            html,
            r#"<svg x="0" y="{HEAD}" width="100%" height="{height}" viewBox="0 0 {CURVE_WIDTH} {height}" preserveAspectRatio="none">"#
        );
        for (class, values) in series {
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
            let _ = write!(html, r#"<path class="curve {class}" d="{path}"/>"#);
        }
        html.push_str("</svg>\n");
    });
}

/// The title, the axes, and what `draw` draws when told the number at the top.
fn figure(html: &mut String, frame: &Frame, most: u64, draw: impl FnOnce(&mut String, u64)) {
    let Frame { id, title, unit, description, height, ticks, number, key } = frame;
    let (step, top) = round_up(most);
    let whole = HEAD + height + FOOT;
    let y = |value: u64| HEAD + height - ratio(value, top) * height;
    let _ =
        write!(html, "<figure><figcaption>{} <span class=\"unit\">{}</span>", Escaped(title), Escaped(unit));
    legend(html, key);
    let _ = write!(
        html,
        "</figcaption>\n<div class=\"plot\"><svg height=\"{whole}\" aria-hidden=\"true\" focusable=\"false\">"
    );
    let marks = || (0..=top / step).map(|count| count * step);
    for value in marks() {
        let _ = write!(
            html,
            r#"<text x="100%" dx="-8" y="{:.1}" text-anchor="end">{}</text>"#,
            y(value) + 4.0,
            Escaped(&number(value))
        );
    }
    let _ = write!(
        html,
        "</svg>\n<svg height=\"{whole}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\">\n\
         <title id=\"{id}-title\">{}</title><desc id=\"{id}-desc\">{}</desc>\n",
        Escaped(title),
        Escaped(description)
    );
    for value in marks().skip(1) {
        let _ = write!(html, r#"<line class="grid" x1="0" x2="100%" y1="{0:.1}" y2="{0:.1}"/>"#, y(value));
    }
    draw(html, top);
    let base = HEAD + height;
    let _ = write!(html, r#"<line class="base" x1="0" x2="100%" y1="{base}" y2="{base}"/>"#);
    for Tick { at, label } in *ticks {
        let anchor = match at {
            ..0.05 => "start",
            0.93.. => "end",
            _ => "middle",
        };
        let x = at * 100.0;
        let _ = write!(
            html,
            r#"<line class="base" x1="{x:.3}%" x2="{x:.3}%" y1="{base}" y2="{}"/><text x="{x:.3}%" y="{}" text-anchor="{anchor}">{}</text>"#,
            base + 4.0,
            base + 18.0,
            Escaped(label)
        );
    }
    html.push_str("\n</svg></div></figure>\n");
}

fn legend(html: &mut String, key: &[Key]) {
    if key.is_empty() {
        return;
    }
    html.push_str("<ul class=\"key\">");
    for Key { class, label } in key {
        let mark = if class.contains("curve") {
            format!(r#"<path class="{class}" d="M0 5H18"/>"#)
        } else {
            format!(r#"<rect class="{class}" width="18" height="10"/>"#)
        };
        let _ = write!(
            html,
            "<li><svg aria-hidden=\"true\" focusable=\"false\">{mark}</svg>{}</li>",
            Escaped(label)
        );
    }
    html.push_str("</ul>");
}

/// A bar in a row of a table, for a part of a whole.
pub(super) fn meter(part: u64, whole: u64, class: &str) -> String {
    let mut width = ratio(part, whole) * 100.0;
    if part > 0 {
        width = width.max(0.8);
    }
    format!(
        r#"<svg aria-hidden="true" focusable="false"><rect class="trough" y="5" width="100%" height="2"/><rect class="{class}" width="{width:.2}%" height="12"/></svg>"#
    )
}
