//! Drafts the manifest of a snapshot that is ready to be published.

use std::collections::BTreeMap;

use chrono::Utc;

use super::super::work_folder::Run;
use super::SnapshotJob;
use crate::contact_read::Status;
use crate::output::manifest::{
    ContactCounts, FileEntry, Input, MANIFEST_VERSION, Manifest, Requests, Source, Status as RunStatus,
    TableEntry, Tool,
};
use crate::publish::Draft;
use crate::snapshot::{Built, SourceExport};
use crate::table::Table;
use crate::table::schema::SCHEMA_VERSION;
use crate::time::format_time;

/// The manifest of the snapshot, apart from its predecessor, and the staged lists of contacts.
pub(super) fn draft(job: &SnapshotJob, source: &SourceExport, run: &Run, built: Built) -> Draft {
    let count = |status| built.contacts(status);
    let requested = built.statuses.iter().sum();
    let contacts = ContactCounts {
        requested,
        exported: count(Status::Exported),
        empty: count(Status::Empty),
        not_found: count(Status::NotFound),
        unresolved: count(Status::Unresolved),
        failed: count(Status::Failed),
        unchanged: count(Status::Unchanged),
    };
    let is_partial = contacts.failed + contacts.unresolved > 0 || !built.doubts.is_empty();
    let unknown_fields = Table::ALL.into_iter().filter_map(|table| {
        let fields: BTreeMap<String, u64> =
            built.unknown.of(table).map(|(name, count)| (name.to_owned(), count)).collect();
        (!fields.is_empty()).then(|| (table.name().to_owned(), fields))
    });
    let tables = Table::ALL.map(|table| (table.name().to_owned(), TableEntry::new(table, built.rows(table))));
    let manifest = Manifest {
        manifest_version: MANIFEST_VERSION,
        schema_version: SCHEMA_VERSION,
        run_id: run.run_id.clone(),
        status: if is_partial { RunStatus::Partial } else { RunStatus::Complete },
        tool: Tool::default(),
        started_at: format_time(run.started_at).to_string(),
        finished_at: format_time(Utc::now().timestamp_micros()).to_string(),
        source: Source { base_url: source.base_url.clone() },
        options: job.options.clone(),
        input: Input {
            path: job.from.display().to_string(),
            sha256: source.digest(),
            lines: requested,
            contacts: requested,
            duplicates: 0,
            suppressed: 0,
            doubts: built.doubts,
        },
        contacts,
        requests: Requests::default(),
        unknown_fields: unknown_fields.collect(),
        known_fields: BTreeMap::new(),
        schema_changes: Vec::new(),
        tables: tables.into_iter().collect(),
        files: built.files.iter().map(FileEntry::from).collect(),
        previous: None,
        state: None,
        shards: None,
        rebuilt_from: None,
        snapshot_of: source.names(),
    };
    Draft { manifest, lists: built.lists, failed_csv: None }
}
