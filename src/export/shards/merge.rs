//! Joins the manifests of all shards to the manifest of the run.

use std::collections::BTreeMap;

use chrono::Utc;

use super::finished::FinishedShard;
use super::timeline;
use crate::export::not_found;
use crate::output::manifest::{
    ContactCounts, FileEntry, KnownFields, Manifest, Requests, Seen, Status, Tool,
};
use crate::table::Table;
use crate::time::format_time;

/// The manifest of the run, apart from its predecessor and its schema changes; `None` without shards. The shards are in
/// their order, and fit together.
pub(super) fn merge(shards: &[FinishedShard]) -> Option<Manifest> {
    let parts = || shards.iter().map(|shard| &shard.draft.manifest);
    let first = parts().next()?.clone();
    let mut manifest = Manifest {
        tool: Tool::default(),
        finished_at: format_time(Utc::now().timestamp_micros()).to_string(),
        files: files(parts()),
        contacts: ContactCounts::default(),
        requests: Requests { timeline: timelines(parts()), ..Requests::default() },
        unknown_fields: BTreeMap::new(),
        known_fields: BTreeMap::new(),
        shards: u32::try_from(shards.len()).ok(),
        ..first
    };
    (manifest.input.contacts, manifest.input.duplicates, manifest.input.suppressed) = (0, 0, 0);
    manifest.tables.values_mut().for_each(|table| table.rows = 0);
    for part in parts() {
        add(&mut manifest, part);
    }
    complete_fields(&mut manifest);
    manifest.input.doubts.extend(not_found::doubt(&manifest.contacts, &manifest.options));
    let counts = &manifest.contacts;
    let is_partial = counts.failed + counts.unresolved > 0 || !manifest.input.doubts.is_empty();
    manifest.status = if is_partial { Status::Partial } else { Status::Complete };
    Some(manifest)
}

/// Data files by table and path, then those of the raw archive.
fn files<'a>(parts: impl Iterator<Item = &'a Manifest>) -> Vec<FileEntry> {
    let mut files: Vec<FileEntry> = parts.flat_map(|part| &part.files).cloned().collect();
    files.sort_by(|one, other| {
        let table = |file: &FileEntry| Table::ALL.iter().position(|table| table.name() == file.table);
        // The raw archive has no table.
        let key = |file: &FileEntry| table(file).unwrap_or(usize::MAX);
        key(one).cmp(&key(other)).then_with(|| one.path.cmp(&other.path))
    });
    files
}

fn timelines<'a>(parts: impl Iterator<Item = &'a Manifest>) -> Option<crate::output::manifest::Timeline> {
    timeline::join(parts.filter_map(|part| part.requests.timeline.as_ref()))
}

/// Adds the counts of a shard.
fn add(to: &mut Manifest, part: &Manifest) {
    to.input.contacts += part.input.contacts;
    to.input.duplicates += part.input.duplicates;
    to.input.suppressed += part.input.suppressed;
    for doubt in &part.input.doubts {
        if !to.input.doubts.contains(doubt) {
            to.input.doubts.push(doubt.clone());
        }
    }
    let (sum, counts) = (&mut to.contacts, &part.contacts);
    sum.requested += counts.requested;
    sum.exported += counts.exported;
    sum.empty += counts.empty;
    sum.not_found += counts.not_found;
    sum.unresolved += counts.unresolved;
    sum.failed += counts.failed;
    sum.unchanged += counts.unchanged;
    to.requests.sent += part.requests.sent;
    to.requests.retries += part.requests.retries;
    for (status, count) in &part.requests.by_status {
        *to.requests.by_status.entry(status.clone()).or_default() += count;
    }
    for (name, entry) in &part.tables {
        if let Some(table) = to.tables.get_mut(name) {
            table.rows += entry.rows;
        }
    }
    for (table, fields) in &part.unknown_fields {
        let sums = to.unknown_fields.entry(table.clone()).or_default();
        for (field, count) in fields {
            *sums.entry(field.clone()).or_default() += count;
        }
    }
    for (table, known) in &part.known_fields {
        let sums = to.known_fields.entry(table.clone()).or_default();
        add_seen(&mut sums.columns, &known.columns);
        add_seen(&mut sums.extra, &known.extra);
    }
}

fn add_seen(to: &mut BTreeMap<String, Seen>, from: &BTreeMap<String, Seen>) {
    for (field, seen) in from {
        to.entry(field.clone()).or_default().values += seen.values;
    }
}

/// Completes the fields: a shard does not count its rows for a field that only another shard has met.
fn complete_fields(manifest: &mut Manifest) {
    let counts = &manifest.contacts;
    let read = counts.exported + counts.empty + counts.unresolved;
    for (table, known) in &mut manifest.known_fields {
        let rows = manifest.tables.get(table).map_or(0, |entry| entry.rows);
        let KnownFields { contacts, columns, extra } = known;
        *contacts = read.min(rows);
        columns.values_mut().chain(extra.values_mut()).for_each(|seen| seen.rows = rows);
    }
}
