//! Requests to the API and its responses, over time and by status.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::axis::{Tick, moment, of_time};
use super::chart::{Frame, Key, Series, levels, meter, stacked_bars};
use crate::html::{Count, Untrusted, counted, duration, share, short, short_micros};
use crate::output::manifest::{Bucket, LatencyMicros, Manifest, Timeline};
use crate::time::parse_time;

/// Classes of unsuccessful responses with colors and names. Frequent classes come first.
const TROUBLES: [(&str, &str, &str); 6] = [
    ("429", "s4", "429 too many requests"),
    ("5xx", "s2", "5xx server errors"),
    ("error", "s1", "no response"),
    ("4xx", "s3", "other 4xx"),
    ("3xx", "s5", "3xx redirects"),
    ("other", "s6", "other statuses"),
];

/// The section on requests.
pub(super) fn section(manifest: &Manifest) -> Markup {
    let requests = &manifest.requests;
    html! {
        section {
            h2 { "Requests" }
            @if requests.sent == 0 {
                p { "No requests were sent." }
            } @else {
                p {
                    (counted(requests.sent, "request", "requests")) " sent. " (retries(requests.retries, requests.sent))
                }
                @match &requests.timeline {
                    Some(timeline) => { (over_time(timeline, requests.sent)) }
                    None => { p.soft { "This run has no record of request times." } }
                }
                (statuses(&requests.by_status, requests.sent))
            }
        }
    }
}

fn retries(retries: u64, sent: u64) -> String {
    match retries {
        0 => "None was a retry.".to_owned(),
        1 => "1 was a retry.".to_owned(),
        _ => format!("{} were retries ({}).", Count(retries), share(retries, sent)),
    }
}

fn over_time(timeline: &Timeline, sent: u64) -> Markup {
    let counted_here: u64 = timeline.buckets.iter().map(|bucket| bucket.requests).sum();
    let start = parse_time(&timeline.started_at).filter(|_| !timeline.buckets.is_empty());
    html! {
        @if counted_here < sent {
            p {
                "The run was interrupted and resumed. " (Count(sent - counted_here)) " of its " (Count(sent))
                " requests were sent before the interruption. The totals include them; the charts start at "
                (Untrusted(timeline.started_at.split('.').next().unwrap_or_default())) " UTC."
            }
        }
        @if let Some(start) = start { (OverTime::new(timeline, start).draw()) }
    }
}

struct OverTime<'a> {
    buckets: &'a [Bucket],
    labels: Vec<String>,
    ticks: Vec<Tick>,
    /// Unit of the numbers: `per 2 s`.
    per: String,
    /// First and last time, in words.
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
            span: format!("{} to {} UTC", moment(start, width), moment(micros(count), width)),
            per,
        }
    }

    fn draw(&self) -> Markup {
        html! { (self.requests()) (self.troubles()) (self.retries()) (self.latency()) (self.table()) }
    }

    fn bars(&self, id: &str, title: &str, key: &[Key], height: f64, series: &[Series]) -> Markup {
        let sum = |at: usize| series.iter().map(|series| series.values[at]).sum::<u64>();
        let all: u64 = (0..self.labels.len()).map(sum).sum();
        let (most, at) = (0..self.labels.len()).map(|at| (sum(at), at)).max().unwrap_or_default();
        let description = format!(
            "{}, {}. Total: {}. Maximum: {} at {}. The table below the charts has all numbers.",
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
        stacked_bars(&frame, &self.labels, series)
    }

    fn requests(&self) -> Markup {
        let values = self.buckets.iter().map(|bucket| bucket.requests).collect();
        self.bars("requests", "Requests", &[], 140.0, &[Series { class: "s1", name: "requests", values }])
    }

    fn troubles(&self) -> Markup {
        const TITLE: &str = "Unsuccessful responses";
        let mut series = Vec::new();
        let mut key = Vec::new();
        for (class, colour, name) in TROUBLES {
            let values: Vec<u64> = self.buckets.iter().map(|bucket| of_class(bucket, class)).collect();
            let all: u64 = values.iter().sum();
            if all > 0 {
                key.push(Key { class: colour, label: format!("{name}: {}", Count(all)) });
                series.push(Series { class: colour, name, values });
            }
        }
        if series.is_empty() {
            return html! { h3 { (TITLE) } p { "None: every response had a status of 2xx." } };
        }
        self.bars("troubles", TITLE, &key, 90.0, &series)
    }

    fn retries(&self) -> Markup {
        let values: Vec<u64> = self.buckets.iter().map(|bucket| bucket.retries).collect();
        if values.iter().all(|value| *value == 0) {
            return html! { h3 { "Retries" } p { "None." } };
        }
        self.bars("retries", "Retries", &[], 70.0, &[Series { class: "s2", name: "retries", values }])
    }

    /// The latency curves. Empty without responses.
    fn latency(&self) -> Markup {
        let of = |read: fn(&LatencyMicros) -> u64| -> Vec<Option<u64>> {
            self.buckets.iter().map(|bucket| bucket.latency_us.as_ref().map(read)).collect()
        };
        let (median, p95) = (of(|latency| latency.median), of(|latency| latency.p95));
        let range = |values: &[Option<u64>]| {
            let ends = values.iter().flatten().min().zip(values.iter().flatten().max());
            ends.map(|(min, max)| format!("{} to {}", short_micros(*min), short_micros(*max)))
        };
        let (Some(medians), Some(p95s)) = (range(&median), range(&p95)) else { return html! {} };
        let description = format!(
            "{}, time until the response headers. Median: {medians}. 95th percentile: {p95s}. \
             The table below the charts has all numbers.",
            self.span
        );
        let frame = Frame {
            id: "latency",
            title: "Latency",
            unit: "until the response headers, UTC",
            description: &description,
            height: 110.0,
            ticks: &self.ticks,
            number: short_micros,
            key: &[
                Key { class: "curve median", label: "median".to_owned() },
                Key { class: "curve p95", label: "95th percentile".to_owned() },
            ],
        };
        levels(&frame, &[("p95", p95), ("median", median)])
    }

    fn table(&self) -> Markup {
        let is_there = |class: &str| self.buckets.iter().any(|bucket| bucket.by_class.contains_key(class));
        let troubles: Vec<&str> =
            TROUBLES.into_iter().map(|(class, ..)| class).filter(|class| is_there(class)).collect();
        html! {
            details #timeline {
                summary { "Chart data" }
                div.scroll {
                    table {
                        thead {
                            tr {
                                th { "UTC" }
                                th.n { "requests" }
                                @for class in &troubles {
                                    th.n { (if *class == "error" { "no response" } else { class }) }
                                }
                                th.n { "retries" } th.n { "median" } th.n { "95 %" } th.n { "maximum" }
                            }
                        }
                        tbody {
                            @for (bucket, label) in self.buckets.iter().zip(&self.labels) {
                                (row(bucket, label, &troubles))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn row(bucket: &Bucket, label: &str, troubles: &[&str]) -> Markup {
    let latency = bucket.latency_us;
    html! {
        tr {
            td { (label) }
            td.n { (Count(bucket.requests)) }
            @for class in troubles { td.n { (Count(of_class(bucket, class))) } }
            td.n { (Count(bucket.retries)) }
            @for micros in [latency.map(|l| l.median), latency.map(|l| l.p95), latency.map(|l| l.max)] {
                td.n { (micros.map_or_else(|| "–".to_owned(), short_micros)) }
            }
        }
    }
}

fn of_class(bucket: &Bucket, class: &str) -> u64 {
    bucket.by_class.get(class).copied().unwrap_or_default()
}

/// Formats a duration: `2 s`, `4 min 16 s`.
fn long(seconds: u64) -> String {
    match i64::try_from(seconds.saturating_mul(1_000_000)) {
        Ok(micros) if seconds >= 10 => duration(micros),
        _ => format!("{seconds} s"),
    }
}

fn statuses(by_status: &BTreeMap<String, u64>, sent: u64) -> Markup {
    html! {
        h3 { "Responses by HTTP status" }
        table #statuses {
            thead { tr { th { "status" } th.n { "requests" } th.n { "share" } th.meter {} } }
            tbody {
                @for (status, count) in by_status {
                    @let (class, meaning) = meaning(status);
                    tr {
                        th {
                            (Untrusted(if status == "error" { "none" } else { status })) span.hint { (meaning) }
                        }
                        td.n { (Count(*count)) }
                        td.n { (share(*count, sent)) }
                        td.meter { (meter(*count, sent, class)) }
                    }
                }
            }
        }
    }
}

/// Color of a status, the same as over time, and its meaning.
fn meaning(status: &str) -> (&'static str, &'static str) {
    match status {
        "200" => ("s5", "success"),
        "400" => ("s3", "bad request"),
        "401" => ("s3", "token rejected"),
        "403" => ("s3", "forbidden"),
        "404" => ("s3", "contact not found"),
        "429" => ("s4", "too many requests"),
        "500" => ("s2", "internal server error"),
        "502" => ("s2", "bad gateway"),
        "503" => ("s2", "service unavailable"),
        "504" => ("s2", "gateway timeout"),
        "error" => ("s1", "no response: connection failed, reset or timed out"),
        _ => match status.chars().next() {
            Some('2') => ("s5", ""),
            Some('3') => ("s5", "redirect, not followed"),
            Some('4') => ("s3", ""),
            Some('5') => ("s2", ""),
            _ => ("s6", ""),
        },
    }
}
