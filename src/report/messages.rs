//! Messages by day and channel.

use maud::{Markup, html};

use super::axis::of_dates;
use super::chart::{Frame, Key, Series, stacked_bars};
use super::days::{Bars, CHANNELS, Counts, Days};
use crate::html::{Count, counted, share, short};

/// Names and colors of the channels.
const NAMES: [(&str, &str); CHANNELS] = [
    ("WhatsApp", "s1"),
    ("Instagram", "s4"),
    ("Messenger", "s3"),
    ("Website", "s2"),
    ("no channel", "s5"),
    ("other channels", "s6"),
];

/// The section on messages.
pub(super) fn section(days: &Days) -> Markup {
    let totals = days.totals();
    let all: u64 = totals.iter().sum();
    html! {
        section {
            h2 { "Messages" }
            @if let Some(bars) = days.bars() {
                (by_channel(&bars, &totals))
                (not_drawn(days.undated.iter().sum(), "without a time"))
                (not_drawn(bars.outside, "with a time far from all others"))
                (table(&bars, &totals))
            } @else if all == 0 {
                p { "No messages were exported." }
            } @else {
                p { (counted(all, "message was exported", "messages were exported")) ", none has a time." }
            }
        }
    }
}

/// The channels with messages. The others have no color and no column.
fn present(totals: &Counts) -> impl Iterator<Item = usize> {
    (0..CHANNELS).filter(|at| totals[*at] > 0)
}

fn by_channel(bars: &Bars, totals: &Counts) -> Markup {
    let series = |at: usize| Series {
        class: NAMES[at].1,
        name: NAMES[at].0,
        values: bars.each.iter().map(|(_, counts)| counts[at]).collect(),
    };
    let key = |at: usize| Key {
        class: NAMES[at].1,
        label: format!("{}: {}", NAMES[at].0, counted(totals[at], "message", "messages")),
    };
    let labels = labels(bars);
    let frame = Frame {
        id: "messages",
        title: &format!("Messages per {} and channel", bars.unit.name()),
        unit: "by created_at, UTC",
        description: &description(bars, &labels, totals),
        height: 200.0,
        ticks: &of_dates(bars),
        number: short,
        key: &present(totals).map(key).collect::<Vec<_>>(),
    };
    stacked_bars(&frame, &labels, &present(totals).map(series).collect::<Vec<_>>())
}

fn labels(bars: &Bars) -> Vec<String> {
    bars.each.iter().map(|(start, _)| bars.unit.label(*start)).collect()
}

/// The chart in words.
fn description(bars: &Bars, labels: &[String], totals: &Counts) -> String {
    let all: u64 = totals.iter().sum();
    let sums = bars.each.iter().map(|(_, counts)| counts.iter().sum::<u64>());
    let (most, at) = sums.enumerate().map(|(at, sum)| (sum, at)).max().unwrap_or_default();
    let channel = |at: usize| {
        let share = share(totals[at], all).replace('<', "less than");
        format!("{} {} ({share})", NAMES[at].0, Count(totals[at]))
    };
    format!(
        "{} to {}, UTC. Total: {}. Maximum: {} ({}). Channels: {}. The table below the chart has all numbers.",
        labels.first().map_or("", String::as_str),
        labels.last().map_or("", String::as_str),
        Count(all),
        Count(most),
        labels.get(at).map_or("", String::as_str),
        present(totals).map(channel).collect::<Vec<_>>().join(", "),
    )
}

fn not_drawn(count: u64, reason: &str) -> Markup {
    html! {
        @if count > 0 {
            p.soft { "Not shown: " (counted(count, "message", "messages")) " " (reason) "." }
        }
    }
}

fn table(bars: &Bars, totals: &Counts) -> Markup {
    html! {
        details #days {
            summary { "Chart data" }
            div.scroll {
                table {
                    thead {
                        tr {
                            th { (bars.unit.name()) }
                            @for at in present(totals) { th.n { (NAMES[at].0) } }
                            th.n { "all" }
                        }
                    }
                    tbody {
                        @for (label, (_, counts)) in labels(bars).iter().zip(&bars.each) {
                            tr {
                                td { (label) }
                                @for at in present(totals) { td.n { (Count(counts[at])) } }
                                td.n { (Count(counts.iter().sum())) }
                            }
                        }
                    }
                }
            }
        }
    }
}
