//! What was asked of the API, and how it answered: over time, and by status.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::axis::{Tick, moment, of_time};
use super::chart::{Frame, Key, Series, levels, meter, stacked_bars};
use super::text::{Count, Escaped, counted, duration, share, short, short_micros};
use crate::output::manifest::{Bucket, Manifest, Timeline};
use crate::table::parse_time;

/// Answers that bring nothing, from the most frequent kind of trouble to the rarest.
const TROUBLES: [(&str, &str, &str); 6] = [
    ("429", "s4", "429 too many requests"),
    ("5xx", "s2", "5xx server errors"),
    ("error", "s1", "no answer"),
    ("4xx", "s3", "other 4xx"),
    ("3xx", "s5", "3xx redirects"),
    ("other", "s6", "other statuses"),
];

/// The section.
pub(super) fn section(html: &mut String, manifest: &Manifest) {
    let requests = &manifest.requests;
    html.push_str("<section><h2>Requests</h2>\n");
    if requests.sent == 0 {
        html.push_str("<p>Nothing was asked of the API.</p></section>\n");
        return;
    }
    let repeats = match requests.retries {
        0 => "None had to be repeated.".to_owned(),
        1 => "1 was a repeat of one that had failed.".to_owned(),
        retries => format!(
            "{} were repeats of ones that had failed ({}).",
            Count(retries),
            share(retries, requests.sent)
        ),
    };
    let _ = writeln!(html, "<p>{} sent. {repeats}</p>", counted(requests.sent, "request", "requests"));
    match &requests.timeline {
        Some(timeline) => over_time(html, timeline, requests.sent),
        None => html.push_str("<p class=\"soft\">This run kept no record of when they were sent.</p>\n"),
    }
    statuses(html, &requests.by_status, requests.sent);
    html.push_str("</section>\n");
}

fn over_time(html: &mut String, timeline: &Timeline, sent: u64) {
    let counted_here: u64 = timeline.buckets.iter().map(|bucket| bucket.requests).sum();
    if counted_here < sent {
        let _ = writeln!(
            html,
            "<p>The run was interrupted and gone on with. {} of its {} requests were sent before: they are in the counts, \
             and not in what follows, which tells of the time since {} UTC.</p>",
            Count(sent - counted_here),
            Count(sent),
            Escaped(timeline.started_at.split('.').next().unwrap_or_default()),
        );
    }
    let start = parse_time(&timeline.started_at);
    let (Some(start), false) = (start, timeline.buckets.is_empty()) else { return };
    let chart = OverTime::new(timeline, start);
    chart.draw(html);
}

struct OverTime<'a> {
    buckets: &'a [Bucket],
    labels: Vec<String>,
    ticks: Vec<Tick>,
    /// `per 2 s`
    per: String,
    /// In words, from when to when.
    span: String,
}

impl<'a> OverTime<'a> {
    fn new(timeline: &'a Timeline, start: i64) -> Self {
        let width = timeline.bucket_seconds.max(1);
        let count = timeline.buckets.len() as u64;
        let seconds = width.saturating_mul(count);
        let step = i64::try_from(width.saturating_mul(1_000_000)).unwrap_or(i64::MAX);
        let micros =
            |at: u64| start.saturating_add(i64::try_from(at).unwrap_or(i64::MAX).saturating_mul(step));
        let per = if width == 1 { "per second".to_owned() } else { format!("per {}", long(width)) };
        Self {
            buckets: &timeline.buckets,
            labels: (0..count).map(|at| moment(micros(at), width)).collect(),
            ticks: of_time(start, seconds),
            span: format!("From {} to {} UTC", moment(start, width), moment(micros(count), width)),
            per,
        }
    }

    fn draw(&self, html: &mut String) {
        self.requests(html);
        self.troubles(html);
        self.repeats(html);
        self.latency(html);
        self.table(html);
    }

    fn bars(&self, html: &mut String, id: &str, title: &str, key: &[Key], height: f64, series: &[Series]) {
        let sum = |at: usize| series.iter().map(|series| series.values[at]).sum::<u64>();
        let all: u64 = (0..self.labels.len()).map(sum).sum();
        let (most, at) = (0..self.labels.len()).map(|at| (sum(at), at)).max().unwrap_or_default();
        let description = format!(
            "{}, {}: {} in all, the most {} at {}. The numbers are in the table below the charts.",
            self.span,
            self.per,
            Count(all),
            Count(most),
            self.labels.get(at).map_or("", String::as_str)
        );
        let frame = Frame {
            id,
            title,
            unit: &format!("{}, UTC", self.per),
            description: &description,
            height,
            ticks: &self.ticks,
            number: short,
            key,
        };
        stacked_bars(html, &frame, &self.labels, series);
    }

    fn requests(&self, html: &mut String) {
        let values = self.buckets.iter().map(|bucket| bucket.requests).collect();
        let series = [Series { class: "s1", name: "requests", values }];
        self.bars(html, "requests", "Requests", &[], 140.0, &series);
    }

    fn troubles(&self, html: &mut String) {
        let of = |class: &str| -> Vec<u64> {
            self.buckets
                .iter()
                .map(|bucket| bucket.by_class.get(class).copied().unwrap_or_default())
                .collect()
        };
        let mut series = Vec::new();
        let mut key = Vec::new();
        for (class, colour, name) in TROUBLES {
            let values = of(class);
            let all: u64 = values.iter().sum();
            if all > 0 {
                key.push(Key { class: colour, label: format!("{name}: {}", Count(all)) });
                series.push(Series { class: colour, name, values });
            }
        }
        if series.is_empty() {
            html.push_str(
                "<h3>Answers that brought nothing</h3><p>None: every request was answered with 2xx.</p>\n",
            );
        } else {
            self.bars(html, "troubles", "Answers that brought nothing", &key, 90.0, &series);
        }
    }

    fn repeats(&self, html: &mut String) {
        let values: Vec<u64> = self.buckets.iter().map(|bucket| bucket.retries).collect();
        if values.iter().all(|value| *value == 0) {
            html.push_str("<h3>Repeats</h3><p>None.</p>\n");
        } else {
            let series = [Series { class: "s2", name: "repeats", values }];
            self.bars(html, "repeats", "Repeats", &[], 70.0, &series);
        }
    }

    fn latency(&self, html: &mut String) {
        let of = |read: fn(&crate::output::manifest::LatencyMicros) -> u64| -> Vec<Option<u64>> {
            self.buckets.iter().map(|bucket| bucket.latency_us.as_ref().map(read)).collect()
        };
        let (median, p95) = (of(|latency| latency.median), of(|latency| latency.p95));
        let range = |values: &[Option<u64>]| {
            let told = values.iter().flatten().min().zip(values.iter().flatten().max());
            told.map(|(min, max)| format!("{} to {}", short_micros(*min), short_micros(*max)))
        };
        let (Some(medians), Some(p95s)) = (range(&median), range(&p95)) else { return };
        let description = format!(
            "{}, time until the head of the answer. Medians go from {medians}, 95th percentiles from {p95s}. \
             The numbers are in the table below the charts.",
            self.span
        );
        let frame = Frame {
            id: "latency",
            title: "Latency",
            unit: "until the head of the answer, UTC",
            description: &description,
            height: 110.0,
            ticks: &self.ticks,
            number: short_micros,
            key: &[
                Key { class: "curve median", label: "median".to_owned() },
                Key { class: "curve p95", label: "95th percentile".to_owned() },
            ],
        };
        levels(html, &frame, &[("p95", p95), ("median", median)]);
    }

    fn table(&self, html: &mut String) {
        let troubles: Vec<_> = TROUBLES
            .into_iter()
            .filter(|(class, ..)| self.buckets.iter().any(|bucket| bucket.by_class.contains_key(*class)))
            .collect();
        html.push_str("<details id=\"timeline\"><summary>The numbers behind these charts</summary><div class=\"scroll\"><table><thead><tr><th>UTC</th><th class=\"n\">requests</th>");
        for (class, ..) in &troubles {
            let _ =
                write!(html, "<th class=\"n\">{}</th>", if *class == "error" { "no answer" } else { class });
        }
        html.push_str("<th class=\"n\">repeats</th><th class=\"n\">median</th><th class=\"n\">95 %</th><th class=\"n\">longest</th></tr></thead><tbody>\n");
        for (bucket, label) in self.buckets.iter().zip(&self.labels) {
            let _ = write!(
                html,
                "<tr><td>{}</td><td class=\"n\">{}</td>",
                Escaped(label),
                Count(bucket.requests)
            );
            for (class, ..) in &troubles {
                let count = bucket.by_class.get(*class).copied().unwrap_or_default();
                let _ = write!(html, "<td class=\"n\">{}</td>", Count(count));
            }
            let _ = write!(html, "<td class=\"n\">{}</td>", Count(bucket.retries));
            let latency = bucket.latency_us;
            for micros in [latency.map(|l| l.median), latency.map(|l| l.p95), latency.map(|l| l.max)] {
                let text = micros.map_or_else(|| "–".to_owned(), short_micros);
                let _ = write!(html, "<td class=\"n\">{text}</td>");
            }
            html.push_str("</tr>\n");
        }
        html.push_str("</tbody></table></div></details>\n");
    }
}

/// `2 s`, `4 min 16 s`
fn long(seconds: u64) -> String {
    match i64::try_from(seconds.saturating_mul(1_000_000)) {
        Ok(micros) if seconds >= 10 => duration(micros),
        _ => format!("{seconds} s"),
    }
}

fn statuses(html: &mut String, by_status: &BTreeMap<String, u64>, sent: u64) {
    html.push_str("<h3>Answers by HTTP status</h3>\n<table id=\"statuses\"><thead><tr><th>status</th><th class=\"n\">requests</th><th class=\"n\">share</th><th class=\"meter\"></th></tr></thead><tbody>\n");
    for (status, count) in by_status {
        let (class, meaning) = meaning(status);
        let name = if status == "error" { "none" } else { status };
        let _ = writeln!(
            html,
            "<tr><th>{}<span class=\"hint\">{meaning}</span></th><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"meter\">{}</td></tr>",
            Escaped(name),
            Count(*count),
            share(*count, sent),
            meter(*count, sent, class)
        );
    }
    html.push_str("</tbody></table>\n");
}

/// The colour of a status, the same as over time, and what it tells.
fn meaning(status: &str) -> (&'static str, &'static str) {
    match status {
        "200" => ("s5", "answered"),
        "400" => ("s3", "not understood"),
        "401" => ("s3", "token not accepted"),
        "403" => ("s3", "not allowed"),
        "404" => ("s3", "no such contact"),
        "429" => ("s4", "too many requests"),
        "500" => ("s2", "error in the server"),
        "502" => ("s2", "bad gateway"),
        "503" => ("s2", "not available"),
        "504" => ("s2", "gateway timed out"),
        "error" => ("s1", "no answer: not connected, reset, or timed out"),
        _ => match status.chars().next() {
            Some('2') => ("s5", ""),
            Some('3') => ("s5", "redirect, not followed"),
            Some('4') => ("s3", ""),
            Some('5') => ("s2", ""),
            _ => ("s6", ""),
        },
    }
}
