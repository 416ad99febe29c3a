//! Checks one file by itself: what each row must hold, and the range of its times.

use std::collections::BTreeMap;

use super::rows::{Number, Row, Text, never_null};
use crate::output::manifest::{ColumnEntry, FileEntry, Manifest};
use crate::settings::PartitionKey;
use crate::table::{Table, format_time};
use crate::verify::DamageKind;
use crate::verify::excerpt::quoted;

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
    /// The keys of the folder that follow from the row's own `created_at`: those of a record follow from its message's.
    own_time_keys: Vec<TimeKey<'a>>,
}

impl<'a> FileCheck<'a> {
    pub(super) fn new(manifest: &'a Manifest, entry: &'a FileEntry) -> Self {
        let table = Table::ALL.into_iter().find(|table| table.name() == entry.table);
        Self {
            run_id: manifest.run_id.as_str(),
            entry,
            never_null: table
                .zip(columns(manifest, entry))
                .map(|(table, columns)| never_null(table, &columns))
                .unwrap_or_default(),
            created_at: None,
            own_time_keys: match table {
                Some(Table::Messages) => time_keys(entry).collect(),
                _ => Vec::new(),
            },
        }
    }

    /// Checks the row of this number, counted from 1.
    pub(super) fn row(&mut self, number: u64, row: &Row, faults: &mut Faults) {
        if let Some(column) = row.first_null(&self.never_null) {
            faults.add(DamageKind::Disagreement, "a column that is never null is", number, column);
        }
        if let Some(run_id) = row.text(Text::RunId).filter(|run_id| *run_id != self.run_id) {
            faults.add(DamageKind::Disagreement, "rows of another run", number, quoted(run_id));
        }
        let created_at = row.number(Number::CreatedAt);
        if let Some(time) = created_at {
            let (min, max) = self.created_at.unwrap_or((time, time));
            self.created_at = Some((min.min(time), max.max(time)));
        }
        if !fits_folder(&self.own_time_keys, created_at) {
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

/// The columns of a file by its manifest, without those that readers take from the path; none where the manifest does not
/// name the table.
pub(super) fn columns<'a>(manifest: &'a Manifest, entry: &FileEntry) -> Option<Vec<&'a ColumnEntry>> {
    let is_in_path = |column: &ColumnEntry| {
        column.name == "channel" && entry.partition.iter().any(|(key, _)| key == "channel")
    };
    let table = manifest.tables.get(&entry.table)?;
    Some(table.columns.iter().filter(|column| !is_in_path(column)).collect())
}

/// A partition key that follows from a time, with its value.
pub(super) type TimeKey<'a> = (PartitionKey, Option<&'a str>);

/// The keys of the file's folder that follow from the time of a message. A key that this version does not know is damage
/// that the check of the manifest reports.
pub(super) fn time_keys(entry: &FileEntry) -> impl Iterator<Item = TimeKey<'_>> {
    let known =
        entry.partition.iter().map(|(key, value)| Some((PartitionKey::of_name(key)?, value.as_deref())));
    known.flatten().filter(|(key, _)| match key {
        PartitionKey::Year | PartitionKey::Month | PartitionKey::Date => true,
        PartitionKey::ExportDate | PartitionKey::Run | PartitionKey::Channel => false,
    })
}

/// True if a row of this time belongs into the folder with these keys.
fn fits_folder(keys: &[TimeKey], time: Option<i64>) -> bool {
    if keys.is_empty() {
        return true;
    }
    let text = time.map(format_time);
    let date = text.as_deref().and_then(|text| text.split('T').next());
    keys.iter().all(|(key, value)| {
        let expected = date.and_then(|date| match key {
            PartitionKey::Year => date.split('-').next(),
            PartitionKey::Month => date.rsplit_once('-').map(|(month, _)| month),
            PartitionKey::Date => Some(date),
            // None of these follows from a time.
            PartitionKey::ExportDate | PartitionKey::Run | PartitionKey::Channel => None,
        });
        *value == expected
    })
}
