//! Checks one file by itself: what each row must hold, and the range of its times.

use std::collections::BTreeMap;

use super::rows::{Number, Row, Text, never_null};
use crate::output::manifest::{FileEntry, Manifest};
use crate::table::{Table, format_time};
use crate::verify::DamageKind;

/// The partition keys that follow from a time.
pub(super) const TIME_KEYS: [&str; 3] = ["year", "month", "date"];

/// What is wrong with rows of one file, each kind of fault once.
#[derive(Default)]
pub(super) struct Faults(BTreeMap<&'static str, Fault>);

struct Fault {
    kind: DamageKind,
    first_row: u64,
    first: String,
    rows: u64,
}

impl Faults {
    /// Notes a fault of a row. `what` names the kind of fault and is told; `detail` is told of the first such row.
    pub(super) fn add(&mut self, kind: DamageKind, what: &'static str, row: u64, detail: impl Into<String>) {
        let new = || Fault { kind, first_row: row, first: detail.into(), rows: 0 };
        self.0.entry(what).or_insert_with(new).rows += 1;
    }

    /// Each kind of fault in one sentence.
    pub(super) fn sentences(self) -> impl Iterator<Item = (DamageKind, String)> {
        self.0.into_iter().map(|(what, fault)| {
            let Fault { kind, first_row, first, rows } = fault;
            (kind, format!("{what}: row {first_row}, {first} ({rows} such rows)"))
        })
    }
}

/// The checks of one file, row by row.
pub(super) struct FileCheck<'a> {
    run_id: &'a str,
    entry: &'a FileEntry,
    never_null: Vec<usize>,
    created_at: Option<(i64, i64)>,
    /// Whether the folder is named after the row's own `created_at`: a record's is its message's.
    is_by_own_time: bool,
}

impl<'a> FileCheck<'a> {
    pub(super) fn new(manifest: &'a Manifest, entry: &'a FileEntry) -> Self {
        let table = Table::ALL.into_iter().find(|table| table.name() == entry.table);
        Self {
            run_id: manifest.run_id.as_str(),
            entry,
            never_null: table.map(|table| never_null(table, left_out(entry))).unwrap_or_default(),
            created_at: None,
            is_by_own_time: table == Some(Table::Messages),
        }
    }

    /// Checks the row of this number, counted from 1.
    pub(super) fn row(&mut self, number: u64, row: &Row, faults: &mut Faults) {
        if let Some(column) = row.first_null(&self.never_null) {
            faults.add(DamageKind::Disagreement, "a column that is never null is", number, column);
        }
        if let Some(run_id) = row.text(Text::RunId).filter(|run_id| *run_id != self.run_id) {
            faults.add(DamageKind::Disagreement, "rows of another run", number, run_id);
        }
        let created_at = row.number(Number::CreatedAt);
        if let Some(time) = created_at {
            let (min, max) = self.created_at.unwrap_or((time, time));
            self.created_at = Some((min.min(time), max.max(time)));
        }
        if self.is_by_own_time && !fits_folder(self.entry, created_at) {
            let time = created_at.map(format_time);
            let detail = format!("created_at {}", time.as_deref().unwrap_or("null"));
            faults.add(DamageKind::Disagreement, "rows of another partition", number, detail);
        }
    }

    /// What is wrong with the file as a whole.
    pub(super) fn finish(self) -> Option<(DamageKind, String)> {
        let found = self.created_at.map(|(min, max)| [min, max].map(format_time));
        let found = found.as_ref().map(|[min, max]| (&**min, &**max));
        let said = self.entry.min_created_at.as_deref().zip(self.entry.max_created_at.as_deref());
        (found != said).then(|| {
            let text =
                |range: Option<(&str, &str)>| range.map_or("none".into(), |(a, b)| format!("{a} to {b}"));
            let detail = format!("created_at goes {}, and the manifest says {}", text(found), text(said));
            (DamageKind::Disagreement, detail)
        })
    }
}

/// The column that readers take from the path.
pub(super) fn left_out(entry: &FileEntry) -> Option<&'static str> {
    entry.partition.iter().any(|(key, _)| key == "channel").then_some("channel")
}

/// Whether a row of this time belongs into the folder of the file.
fn fits_folder(entry: &FileEntry, time: Option<i64>) -> bool {
    let mut keys = entry.partition.iter().filter(|(key, _)| TIME_KEYS.contains(&key.as_str())).peekable();
    if keys.peek().is_none() {
        return true;
    }
    let text = time.map(format_time);
    let date = text.as_deref().and_then(|text| text.split('T').next());
    keys.all(|(key, value)| {
        let expected = match (date, key.as_str()) {
            (None, _) => None,
            (Some(date), "year") => date.split('-').next(),
            (Some(date), "month") => date.rsplit_once('-').map(|(month, _)| month),
            (Some(date), _) => Some(date),
        };
        value.as_deref() == expected
    })
}
