//! Checks a manifest for contradictions: its counts, its tables, and the names and folders of its files.
//!
//! The chain proves that a manifest is unchanged. This check proves that its content is consistent. It also
//! finds edits of a manifest whose hash was adapted in `latest.json`.

use std::collections::BTreeSet;

use super::content::manifest_path;
use super::excerpt::quoted;
use super::{DamageKind, Report};
use crate::output::folder;
use crate::output::manifest::{ColumnEntry, FileEntry, Manifest, Status, TableEntry};
use crate::settings::PartitionKey;
use crate::table::Table;
use crate::table::schema::SCHEMA_VERSION;
use crate::time::parse_time;

/// Reports contradictions in a manifest.
pub(super) fn check(manifest: &Manifest, report: &mut Report) {
    let id = manifest.run_id.as_str();
    let mut add_damage = |kind, detail: String| report.damage(Some(id), manifest_path(id), kind, detail);
    counts(manifest, &mut add_damage);
    tables(manifest, &mut add_damage);
    state(manifest, &mut add_damage);
    for key in partition_keys(manifest).filter(|key| PartitionKey::of_name(key).is_none()) {
        let version = &manifest.tool.version;
        let detail = format!(
            "it is partitioned by {key:?}, which this version cannot check; verify it with version {version:?}"
        );
        add_damage(DamageKind::Disagreement, detail);
    }
    let mut paths = BTreeSet::new();
    for file in &manifest.files {
        if !paths.insert(file.path.as_str()) {
            add_damage(DamageKind::Duplicate, format!("it names {} twice", file.path));
        }
        for fault in file_faults(manifest, file) {
            add_damage(DamageKind::Disagreement, format!("{}: {fault}", file.path));
        }
    }
}

type AddDamage<'a> = &'a mut dyn FnMut(DamageKind, String);

fn counts(manifest: &Manifest, add_damage: AddDamage) {
    let counts = manifest.contacts;
    let known =
        [counts.exported, counts.empty, counts.not_found, counts.unresolved, counts.failed, counts.unchanged];
    // Later versions may have more statuses.
    let sum = known.iter().fold(0_u64, |sum, count| sum.saturating_add(*count));
    if sum > counts.requested {
        add_damage(DamageKind::Disagreement, format!("it counts {sum} contacts of {}", counts.requested));
    }
    if manifest.input.contacts != counts.requested {
        let detail = format!(
            "the input has {} contacts, but {} were requested",
            manifest.input.contacts, counts.requested
        );
        add_damage(DamageKind::Disagreement, detail);
    }
    let is_partial = counts.failed > 0 || counts.unresolved > 0 || !manifest.input.doubts.is_empty();
    if is_partial != (manifest.status == Status::Partial) {
        let detail = format!(
            "its status does not fit {} failed and {} unresolved contacts",
            counts.failed, counts.unresolved
        );
        add_damage(DamageKind::Disagreement, detail);
    }
    for (name, time) in [("started_at", &manifest.started_at), ("finished_at", &manifest.finished_at)] {
        if parse_time(time).is_none() {
            add_damage(DamageKind::Disagreement, format!("invalid time in {name}: {}", quoted(time)));
        }
    }
}

/// Checks that incremental runs, and only those, have a state file.
fn state(manifest: &Manifest, add_damage: AddDamage) {
    let is_incremental = manifest.options.is_incremental();
    match &manifest.state {
        // A rebuilt run has no state file, since it did not read its contacts.
        None if is_incremental && manifest.rebuilt_from.is_none() => {
            add_damage(
                DamageKind::Disagreement,
                "the run is incremental, but the manifest names no state file".to_owned(),
            );
        }
        None => {}
        Some(_) if !is_incremental || manifest.rebuilt_from.is_some() => {
            add_damage(
                DamageKind::Disagreement,
                "the manifest names a state file, but the run is not incremental".to_owned(),
            );
        }
        Some(state) if state.rows < manifest.contacts.requested => {
            let (rows, contacts) = (state.rows, manifest.contacts.requested);
            add_damage(
                DamageKind::RowCount,
                format!("its state file has {rows} rows, but {contacts} contacts were requested"),
            );
        }
        Some(_) => {}
    }
    if manifest.is_snapshot() && (is_incremental || manifest.rebuilt_from.is_some()) {
        let detail = "it is a snapshot, but it also names the properties of an incremental or rebuilt run";
        add_damage(DamageKind::Disagreement, detail.to_owned());
    }
    if !is_incremental && manifest.contacts.unchanged > 0 {
        let detail = "it counts unchanged contacts, but the run is not incremental";
        add_damage(DamageKind::Disagreement, detail.to_owned());
    }
}

fn tables(manifest: &Manifest, add_damage: AddDamage) {
    for (table, entry) in &manifest.tables {
        let files = manifest.files.iter().filter(|file| file.table == *table);
        let rows = files.fold(0_u64, |rows, file| rows.saturating_add(file.rows));
        if rows != entry.rows {
            add_damage(
                DamageKind::RowCount,
                format!("{table} has {} rows, but its files have {rows}", entry.rows),
            );
        }
    }
    for table in Table::ALL {
        match manifest.tables.get(table.name()) {
            None => {
                add_damage(DamageKind::Disagreement, format!("it does not name the table {}", table.name()));
            }
            Some(entry) if !has_columns(manifest.schema_version, table, entry) => {
                let detail = format!("the columns of {} do not match its schema version", table.name());
                add_damage(DamageKind::Disagreement, detail);
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
                format!("{} has {rows} rows, but its counts of contacts give {expected}", table.name());
            add_damage(DamageKind::RowCount, detail);
        }
    }
}

/// Compares the columns by name. Those that both versions know have the same types and order. A manifest of
/// an older schema version may lack columns. One of a newer version may have more, at any position.
fn has_columns(schema_version: u32, table: Table, entry: &TableEntry) -> bool {
    let known = TableEntry::new(table, 0).columns;
    let has = |columns: &[ColumnEntry], name: &str| columns.iter().any(|column| column.name == name);
    let has_missing = known.iter().any(|column| !has(&entry.columns, &column.name));
    let has_unknown = entry.columns.iter().any(|column| !has(&known, &column.name));
    let found = entry.columns.iter().filter(|column| has(&known, &column.name));
    let expected = known.iter().filter(|column| has(&entry.columns, &column.name));
    (!has_missing || schema_version < SCHEMA_VERSION)
        && (!has_unknown || schema_version > SCHEMA_VERSION)
        && found.eq(expected)
}

fn file_faults(manifest: &Manifest, file: &FileEntry) -> Vec<String> {
    let mut faults = Vec::new();
    if file.table != "raw" && !manifest.tables.contains_key(&file.table) {
        faults.push(format!("there is no table {}", quoted(&file.table)));
    }
    if file.rows == 0 {
        faults.push("it has no rows, but such files are never written".to_owned());
    }
    let shard = file.path.shard(&manifest.run_id);
    if shard.is_some_and(|shard| manifest.shards.is_none_or(|of| shard >= of)) {
        faults.push("it is of a shard that the run does not have".to_owned());
    }
    if folder(&file.table, &file.partition) != file.path.split().0 {
        faults.push("its folder does not match its partition".to_owned());
    }
    let keys = file.partition.iter().map(|(key, _)| key.as_str());
    if file.table != "raw" && !keys.eq(expected_keys(manifest, file)) {
        faults.push("its partition keys do not match the options".to_owned());
    }
    for (key, value) in &file.partition {
        let fixed = match PartitionKey::of_name(key) {
            Some(PartitionKey::Run) => manifest.run_id.as_str(),
            Some(PartitionKey::ExportDate) => manifest.started_at.split('T').next().unwrap_or_default(),
            Some(PartitionKey::Channel | PartitionKey::Year | PartitionKey::Month | PartitionKey::Date) => {
                continue;
            }
            None => continue, // reported once for all files
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
        _ => faults.push("its range of created_at is invalid".to_owned()),
    }
    faults
}

/// Returns the keys of the options that apply to the table of the file.
fn expected_keys<'a>(manifest: &'a Manifest, file: &FileEntry) -> impl Iterator<Item = &'a str> {
    let is_per_message = Table::ALL.iter().any(|table| table.is_per_message() && table.name() == file.table);
    let is_fixed = |key: &str| PartitionKey::of_name(key).is_some_and(|key| !key.is_per_message());
    partition_keys(manifest).filter(move |key| is_per_message || is_fixed(key))
}

/// Returns the partition keys of the options.
fn partition_keys(manifest: &Manifest) -> impl Iterator<Item = &str> {
    manifest.options.partition_by.iter().map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_compared_by_name_and_by_version() {
        let [older, newer] = [SCHEMA_VERSION - 1, SCHEMA_VERSION + 1];
        for table in Table::ALL {
            let is_sound = |version: u32, change: &dyn Fn(&mut Vec<ColumnEntry>)| {
                let mut entry = TableEntry::new(table, 0);
                change(&mut entry.columns);
                has_columns(version, table, &entry)
            };
            let count = table.columns().len();
            let added = || ColumnEntry { name: "added".to_owned(), kind: "str".to_owned() };
            for at in 0..count {
                let remove = move |columns: &mut Vec<_>| drop(columns.remove(at));
                let versions = [older, SCHEMA_VERSION, newer].map(|version| is_sound(version, &remove));
                assert_eq!(versions, [true, false, false], "{table:?} without column {at}");
                let change = move |columns: &mut Vec<ColumnEntry>| columns[at].kind.push('x');
                let versions = [older, SCHEMA_VERSION, newer].map(|version| is_sound(version, &change));
                assert_eq!(versions, [false; 3], "{table:?} with another type of column {at}");
            }
            for at in 0..=count {
                let add = move |columns: &mut Vec<_>| columns.insert(at, added());
                let versions = [older, SCHEMA_VERSION, newer].map(|version| is_sound(version, &add));
                assert_eq!(versions, [false, false, true], "{table:?} with an additional column at {at}");
            }
            for at in 1..count {
                let swap = move |columns: &mut Vec<_>| columns.swap(at - 1, at);
                let versions = [older, SCHEMA_VERSION, newer].map(|version| is_sound(version, &swap));
                assert_eq!(versions, [false; 3], "{table:?} with columns {at} and the one before swapped");
            }
            let double = |columns: &mut Vec<ColumnEntry>| columns.push(columns[0].clone());
            assert!(!is_sound(newer, &double), "{table:?} with a column twice");
        }
    }
}
