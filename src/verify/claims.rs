//! Holds what a manifest says against itself: its counts, its tables, and the names and folders of its files.
//!
//! The chain proves that a manifest is the one that was written. This proves that what was written makes sense, and is
//! what is left where somebody has edited a manifest and made the hash in `latest.json` fit.

use std::collections::BTreeSet;

use super::runs::manifest_path;
use super::{DamageKind, Report};
use crate::output::folder;
use crate::output::manifest::{FileEntry, Manifest, Status, TableEntry};
use crate::table::schema::SCHEMA_VERSION;
use crate::table::{Table, parse_time};

/// Checks a manifest.
pub(super) fn check(manifest: &Manifest, report: &mut Report) {
    let id = manifest.run_id.as_str();
    let mut tell = |kind, detail: String| report.damage(Some(id), manifest_path(id), kind, detail);
    counts(manifest, &mut tell);
    tables(manifest, &mut tell);
    state(manifest, &mut tell);
    let mut paths = BTreeSet::new();
    for file in &manifest.files {
        if !paths.insert(file.path.as_str()) {
            tell(DamageKind::Duplicate, format!("it names {} twice", file.path));
        }
        for fault in file_faults(manifest, file) {
            tell(DamageKind::Disagreement, format!("{}: {fault}", file.path));
        }
    }
}

type Tell<'a> = &'a mut dyn FnMut(DamageKind, String);

fn counts(manifest: &Manifest, tell: Tell) {
    let counts = manifest.contacts;
    let known =
        [counts.exported, counts.empty, counts.not_found, counts.unresolved, counts.failed, counts.unchanged];
    // Later versions may know more statuses.
    let sum = known.iter().fold(0_u64, |sum, count| sum.saturating_add(*count));
    if sum > counts.requested {
        tell(DamageKind::Disagreement, format!("of {} contacts it counts {sum}", counts.requested));
    }
    if manifest.input.contacts != counts.requested {
        let detail =
            format!("{} contacts were in the input, {} requested", manifest.input.contacts, counts.requested);
        tell(DamageKind::Disagreement, detail);
    }
    let is_partial = counts.failed > 0 || counts.unresolved > 0 || !manifest.input.doubts.is_empty();
    if is_partial != (manifest.status == Status::Partial) {
        let detail = format!(
            "its status does not fit {} failed and {} unresolved contacts",
            counts.failed, counts.unresolved
        );
        tell(DamageKind::Disagreement, detail);
    }
    for (name, time) in [("started_at", &manifest.started_at), ("finished_at", &manifest.finished_at)] {
        if parse_time(time).is_none() {
            tell(DamageKind::Disagreement, format!("{name} is no time: {time:?}"));
        }
    }
}

/// An incremental run leaves a state, and no other does.
fn state(manifest: &Manifest, tell: Tell) {
    let is_incremental =
        manifest.options.get("incremental").and_then(serde_json::Value::as_bool) == Some(true);
    match &manifest.state {
        None if is_incremental => {
            tell(DamageKind::Disagreement, "it is one of an incremental run, and names no state".to_owned());
        }
        None => {}
        Some(_) if !is_incremental => {
            tell(
                DamageKind::Disagreement,
                "it names a state, and is not one of an incremental run".to_owned(),
            );
        }
        Some(state) if state.rows < manifest.contacts.requested => {
            let (rows, contacts) = (state.rows, manifest.contacts.requested);
            tell(
                DamageKind::RowCount,
                format!("its state has {rows} rows, and {contacts} contacts were requested"),
            );
        }
        Some(_) => {}
    }
    if !is_incremental && manifest.contacts.unchanged > 0 {
        let detail = "it counts contacts that were not read, and is not one of an incremental run";
        tell(DamageKind::Disagreement, detail.to_owned());
    }
}

fn tables(manifest: &Manifest, tell: Tell) {
    for (table, entry) in &manifest.tables {
        let files = manifest.files.iter().filter(|file| file.table == *table);
        let rows = files.fold(0_u64, |rows, file| rows.saturating_add(file.rows));
        if rows != entry.rows {
            tell(DamageKind::RowCount, format!("{table} has {} rows, and its files have {rows}", entry.rows));
        }
    }
    for table in Table::ALL {
        match manifest.tables.get(table.name()) {
            None => tell(DamageKind::Disagreement, format!("it does not name the table {}", table.name())),
            Some(entry) if !has_columns(manifest, table, entry) => {
                let detail = format!("the columns of {} are not those of its schema version", table.name());
                tell(DamageKind::Disagreement, detail);
            }
            Some(_) => {}
        }
    }
    let counts = manifest.contacts;
    let with_rows = counts.exported.saturating_add(counts.empty).saturating_add(counts.unresolved);
    for (table, expected) in [(Table::Coverage, counts.requested), (Table::Contacts, with_rows)] {
        let rows = manifest.tables.get(table.name()).map_or(0, |entry| entry.rows);
        if rows != expected {
            let detail =
                format!("{} has {rows} rows, and by its counts of contacts {expected}", table.name());
            tell(DamageKind::RowCount, detail);
        }
    }
}

/// Whether the table has the columns of its version; later versions add some at the end.
fn has_columns(manifest: &Manifest, table: Table, entry: &TableEntry) -> bool {
    let known = TableEntry::new(table, 0).columns;
    let is_all = entry.columns.len() >= known.len() || manifest.schema_version < SCHEMA_VERSION;
    is_all && entry.columns.iter().zip(&known).all(|(said, known)| said == known)
}

fn file_faults(manifest: &Manifest, file: &FileEntry) -> Vec<String> {
    let mut faults = Vec::new();
    if file.table != "raw" && !manifest.tables.contains_key(&file.table) {
        faults.push(format!("there is no table {:?}", file.table));
    }
    if file.rows == 0 {
        faults.push("a file without rows is not written".to_owned());
    }
    if folder(&file.table, &file.partition) != file.path.split().0 {
        faults.push("its folder is not the one of its partition".to_owned());
    }
    let keys = file.partition.iter().map(|(key, _)| key.as_str());
    if file.table != "raw" && !keys.eq(expected_keys(manifest, file)) {
        faults.push("its partition keys are not those of the options".to_owned());
    }
    for (key, value) in &file.partition {
        let fixed = match key.as_str() {
            "run" => manifest.run_id.as_str(),
            "export_date" => manifest.started_at.split('T').next().unwrap_or_default(),
            _ => continue,
        };
        if value.as_deref() != Some(fixed) {
            faults.push(format!("its {key} is not {fixed}"));
        }
    }
    let range = [&file.min_created_at, &file.max_created_at];
    let times = range.map(|time| time.as_deref().map(parse_time));
    match times {
        [None, None] => {}
        [Some(Some(min)), Some(Some(max))] if min <= max => {}
        _ => faults.push("its range of created_at is none".to_owned()),
    }
    faults
}

/// The keys of the options that apply to the table of the file.
fn expected_keys<'a>(manifest: &'a Manifest, file: &FileEntry) -> impl Iterator<Item = &'a str> {
    let is_per_message = Table::ALL.iter().any(|table| table.is_per_message() && table.name() == file.table);
    let keys = manifest.options.get("partition_by").and_then(serde_json::Value::as_array);
    let keys = keys.into_iter().flatten().filter_map(serde_json::Value::as_str);
    keys.filter(move |key| is_per_message || matches!(*key, "export_date" | "run"))
}
