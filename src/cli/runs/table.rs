//! The runs as lines of aligned columns.

use bytesize::ByteSize;
use indicatif::HumanCount;

use crate::cli::amounts::time;
use crate::cli::console::escape;
use crate::export::{ListedRun, RunKind, RunList, UncommittedRun, UnfinishedRun};
use crate::output::manifest::Status;
use crate::time::{format_time, parse_time};

/// Names of the columns.
const HEAD: [&str; COLUMNS] =
    ["run", "status", "start", "duration", "contacts", "messages", "size", "kind", "kept"];
const COLUMNS: usize = 9;
/// The columns with numbers, whose cells are aligned to the right.
const NUMBERS: std::ops::Range<usize> = 3..7;
/// Number of characters of the text that is shown in place of a time.
const MAX_TEXT: usize = 20;

/// Returns a head and one line per run, or nothing if there is no run.
pub fn lines(list: &RunList) -> Vec<String> {
    let mut rows: Vec<[String; COLUMNS]> = list.runs.iter().map(row).collect();
    rows.extend(list.unfinished.as_ref().map(unfinished));
    rows.extend(list.uncommitted.iter().map(uncommitted));
    if rows.is_empty() {
        return Vec::new();
    }
    rows.insert(0, HEAD.map(str::to_owned));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..COLUMNS).map(width).collect();
    rows.iter().map(|row| aligned(row, &widths)).collect()
}

fn aligned(row: &[String; COLUMNS], widths: &[usize]) -> String {
    let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
        if NUMBERS.contains(&column) { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
    });
    let line = cells.collect::<Vec<_>>().join("  ");
    line.trim_end().to_owned()
}

fn row(run: &ListedRun) -> [String; COLUMNS] {
    let status = match run.status {
        Status::Complete => "complete",
        Status::Partial => "partial",
    };
    [
        run.run_id.to_string(),
        status.to_owned(),
        start(&run.started_at),
        run.duration_seconds.map_or_else(|| "-".to_owned(), |seconds| time(whole(seconds))),
        HumanCount(run.contacts.requested).to_string(),
        HumanCount(run.messages).to_string(),
        ByteSize(run.bytes).to_string(),
        kind(run),
        kept(run),
    ]
}

fn unfinished(run: &UnfinishedRun) -> [String; COLUMNS] {
    let none = || "-".to_owned();
    [
        run.run_id.clone().unwrap_or_else(none),
        "unfinished".to_owned(),
        run.started_at.as_deref().map_or_else(none, start),
        none(),
        none(),
        none(),
        none(),
        none(),
        String::new(),
    ]
}

fn uncommitted(run: &UncommittedRun) -> [String; COLUMNS] {
    let none = || "-".to_owned();
    [
        run.run_id.to_string(),
        "unfinished".to_owned(),
        run.started_at.as_deref().map_or_else(none, start),
        none(),
        none(),
        none(),
        none(),
        shards(run),
        String::new(),
    ]
}

/// Returns the number of finished shards in words.
pub fn shards(run: &UncommittedRun) -> String {
    match run.shards {
        Some(of) => format!("{} of {of} shards", run.finished),
        None => format!("{} shards", run.finished),
    }
}

/// Formats a time of a manifest: `2026-11-20T02:00:00Z`. Any other text is escaped and cut.
fn start(text: &str) -> String {
    match parse_time(text) {
        Some(at) => format_time(at).split('.').next().map(|time| format!("{time}Z")).unwrap_or_default(),
        None => escape(text).chars().take(MAX_TEXT).collect(),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the time between two points in time is far below 2^52 seconds, and never negative"
)]
fn whole(seconds: f64) -> u64 {
    seconds.round() as u64
}

fn kind(run: &ListedRun) -> String {
    let kind = match run.kind {
        RunKind::Full => "full",
        RunKind::Incremental => "incremental",
        RunKind::Window => "window",
        RunKind::Snapshot => "snapshot",
    };
    let rebuilt = if run.rebuilt_from.is_some() { "rebuilt, " } else { "" };
    let limits = run.limits.join(" ");
    let colon = if limits.is_empty() { "" } else { ": " };
    format!("{rebuilt}{kind}{colon}{limits}")
}

fn kept(run: &ListedRun) -> String {
    match (run.kept, &run.held_by) {
        (_, Some(by)) => format!("held by {by}"),
        (Some(name), None) => name.replace('_', " "),
        (None, None) => String::new(),
    }
}
