//! Messages by day and channel.

use std::fmt::Write;

use super::axis::of_dates;
use super::chart::{Frame, Key, Series, stacked_bars};
use super::days::{CHANNELS, Days};
use super::text::{Count, Escaped, counted, share, short};

/// The channels as people write them, and their colours.
const NAMES: [(&str, &str); CHANNELS] = [
    ("WhatsApp", "s1"),
    ("Instagram", "s4"),
    ("Messenger", "s3"),
    ("Website", "s2"),
    ("no channel", "s5"),
    ("other channels", "s6"),
];

/// The section.
pub(super) fn section(html: &mut String, days: &Days) {
    html.push_str("<section><h2>Messages</h2>\n");
    let totals = days.totals();
    let all: u64 = totals.iter().sum();
    let Some(bars) = days.bars() else {
        match all {
            0 => html.push_str("<p>No messages were exported.</p></section>\n"),
            _ => {
                let _ = writeln!(
                    html,
                    "<p>{}, none with a time.</p></section>",
                    counted(all, "message was exported", "messages were exported")
                );
            }
        }
        return;
    };
    // What is not there takes no colour and no line.
    let there: Vec<usize> = (0..CHANNELS).filter(|at| totals[*at] > 0).collect();
    let unit = bars.unit.name();
    let labels: Vec<String> = bars.each.iter().map(|(start, _)| bars.unit.label(*start)).collect();
    let series: Vec<_> = there
        .iter()
        .map(|at| Series {
            class: NAMES[*at].1,
            name: NAMES[*at].0,
            values: bars.each.iter().map(|(_, counts)| counts[*at]).collect(),
        })
        .collect();
    let key = |at: &usize| Key {
        class: NAMES[*at].1,
        label: format!("{}: {}", NAMES[*at].0, counted(totals[*at], "message", "messages")),
    };
    let key: Vec<_> = there.iter().map(key).collect();
    let sum = |at: usize| bars.each[at].1.iter().sum::<u64>();
    let (most, at) = (0..labels.len()).map(|at| (sum(at), at)).max().unwrap_or_default();
    let channels: Vec<String> = there
        .iter()
        .map(|at| format!("{} {} ({})", NAMES[*at].0, Count(totals[*at]), share(totals[*at], all)))
        .collect();
    let description = format!(
        "From {} to {}, in UTC: {} in all, the most {} in {}. {}. The numbers are in the table below the chart.",
        labels.first().map_or("", String::as_str),
        labels.last().map_or("", String::as_str),
        Count(all),
        Count(most),
        labels.get(at).map_or("", String::as_str),
        channels.join(", ").replace("&lt;", "less than"),
    );
    let frame = Frame {
        id: "messages",
        title: &format!("Messages per {unit} and channel"),
        unit: "by created_at, UTC",
        description: &description,
        height: 200.0,
        ticks: &of_dates(&bars),
        number: short,
        key: &key,
    };
    stacked_bars(html, &frame, &labels, &series);
    let undated: u64 = days.undated.iter().sum();
    for (count, what) in [
        (undated, "no time and cannot be shown"),
        (bars.outside, "a time far from all others and would press them together"),
    ] {
        if count > 0 {
            let (noun, verb) = if count == 1 { ("message", "has") } else { ("messages", "have") };
            let _ = writeln!(
                html,
                "<p class=\"soft\">Not drawn: {} {noun}, which {verb} {what}.</p>",
                Count(count)
            );
        }
    }
    table(html, unit, &labels, &series, &there);
    html.push_str("</section>\n");
}

fn table(html: &mut String, unit: &str, labels: &[String], series: &[Series], there: &[usize]) {
    let _ = write!(
        html,
        "<details id=\"days\"><summary>The numbers behind this chart</summary><div class=\"scroll\"><table><thead><tr><th>{unit}</th>"
    );
    for at in there {
        let _ = write!(html, "<th class=\"n\">{}</th>", NAMES[*at].0);
    }
    html.push_str("<th class=\"n\">all</th></tr></thead><tbody>\n");
    for (at, label) in labels.iter().enumerate() {
        let _ = write!(html, "<tr><td>{}</td>", Escaped(label));
        let counts = series.iter().map(|series| series.values[at]);
        for count in counts.clone().chain([counts.sum()]) {
            let _ = write!(html, "<td class=\"n\">{}</td>", Count(count));
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody></table></div></details>\n");
}
