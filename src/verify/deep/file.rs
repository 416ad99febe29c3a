//! Checks one file on its own: the content of each row, and the range of its times.

use std::collections::BTreeMap;

use super::rows::{Number, Row, Text, never_null};
use crate::output::manifest::{FileEntry, Manifest};
use crate::published;
use crate::settings::PartitionKey;
use crate::table::Table;
use crate::time::format_time;
use crate::verify::DamageKind;
use crate::verify::excerpt::quoted;

/// Findings about the rows of one file, each kind once.
#[derive(Default)]
pub(super) struct Faults(BTreeMap<&'static str, Fault>);

struct Fault {
    kind: DamageKind,
    first_row: u64,
    first: String,
    rows: u64,
}

impl Faults {
    /// Adds a finding about a row. `what` describes the kind of finding; `detail` describes the first such
    /// row.
    pub(super) fn add(&mut self, kind: DamageKind, what: &'static str, row: u64, detail: impl Into<String>) {
        let new = || Fault { kind, first_row: row, first: detail.into(), rows: 0 };
        self.0.entry(what).or_insert_with(new).rows += 1;
    }

    /// Returns one sentence per kind of finding.
    pub(super) fn sentences(self) -> impl Iterator<Item = (DamageKind, String)> {
        self.0.into_iter().map(|(what, fault)| {
            let Fault { kind, first_row, first, rows } = fault;
            (kind, format!("{what}: row {first_row}, {first} ({rows} such rows)"))
        })
    }
}

/// Checks one file, row by row.
pub(super) struct FileCheck<'a> {
    run_id: &'a str,
    entry: &'a FileEntry,
    never_null: Vec<usize>,
    created_at: Option<(i64, i64)>,
    /// Keys of the folder that depend on the row's own `created_at`. Those of a record depend on its message.
    own_time_keys: Vec<TimeKey<'a>>,
}

impl<'a> FileCheck<'a> {
    pub(super) fn new(manifest: &'a Manifest, entry: &'a FileEntry) -> Self {
        let table = published::table_of(entry);
        Self {
            run_id: manifest.run_id.as_str(),
            entry,
            never_null: table.map_or_else(Vec::new, |table| {
                never_null(table, &published::columns_of_file(manifest, entry, table))
            }),
            created_at: None,
            own_time_keys: match table {
                Some(Table::Messages) => time_keys(entry).collect(),
                _ => Vec::new(),
            },
        }
    }

    /// Checks the row with this number, from 1.
    pub(super) fn row(&mut self, number: u64, row: &Row, faults: &mut Faults) {
        if let Some(column) = row.first_null(&self.never_null) {
            faults.add(DamageKind::Disagreement, "nulls in a column that is never null", number, column);
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

    /// Returns the finding about the file as a whole.
    pub(super) fn finish(self) -> Option<(DamageKind, String)> {
        let found = self.created_at.map(|(min, max)| [min, max].map(format_time));
        let found = found.as_ref().map(|[min, max]| (&**min, &**max));
        let stated = self.entry.min_created_at.as_deref().zip(self.entry.max_created_at.as_deref());
        (found != stated).then(|| {
            let text =
                |range: Option<(&str, &str)>| range.map_or("none".into(), |(a, b)| format!("{a} to {b}"));
            let detail =
                format!("created_at ranges over {}, but the manifest says {}", text(found), text(stated));
            (DamageKind::Disagreement, detail)
        })
    }
}

/// A partition key that depends on a time, with its value.
pub(super) type TimeKey<'a> = (PartitionKey, Option<&'a str>);

/// Returns the keys of the file's folder that depend on the time of a message. The check of the manifest
/// reports unknown keys.
pub(super) fn time_keys(entry: &FileEntry) -> impl Iterator<Item = TimeKey<'_>> {
    let known =
        entry.partition.iter().map(|(key, value)| Some((PartitionKey::of_name(key)?, value.as_deref())));
    known.flatten().filter(|(key, _)| match key {
        PartitionKey::Year | PartitionKey::Month | PartitionKey::Date => true,
        PartitionKey::ExportDate | PartitionKey::Run | PartitionKey::Channel => false,
    })
}

/// True if a row of this time belongs in the folder with these keys.
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
            // None of these depends on a time.
            PartitionKey::ExportDate | PartitionKey::Run | PartitionKey::Channel => None,
        });
        *value == expected
    })
}
