//! Drafts the manifest of a run that is ready to be published.

use std::collections::BTreeMap;

use chrono::Utc;

use super::drift;
use super::identity::Identity;
use super::incremental::StagedState;
use super::not_found;
use super::timeline::timeline;
use super::work_folder::Run;
use crate::api;
use crate::contact_read::Status;
use crate::contacts::ContactList;
use crate::output::manifest::{
    ContactCounts, FileEntry, Input, MANIFEST_VERSION, Manifest, Requests, Source, Status as RunStatus,
    TableEntry, Tool,
};
use crate::publish::Draft;
use crate::table::Table;
use crate::time::format_time;
use crate::transform::Transformed;

/// The manifest of the run, apart from its predecessor, and the staged lists of contacts.
pub fn draft(
    identity: &Identity,
    contacts: &ContactList,
    run: &Run,
    built: Transformed,
    requests: &api::Requests,
    state: Option<StagedState>,
) -> Draft {
    let count = |status| built.contacts(status);
    let counts = ContactCounts {
        requested: contacts.len() as u64,
        exported: count(Status::Exported),
        empty: count(Status::Empty),
        not_found: count(Status::NotFound),
        unresolved: count(Status::Unresolved),
        failed: count(Status::Failed),
        unchanged: count(Status::Unchanged),
    };
    let mut input = Input::from(contacts);
    // A limit of contacts that do not exist applies to all shards together.
    let not_found = || not_found::doubt(&counts, &identity.options).filter(|_| identity.shard.is_none());
    for doubt in built.doubts.iter().cloned().chain(not_found()) {
        // A rebuilt run already has the doubts of its archive.
        if !input.doubts.contains(&doubt) {
            input.doubts.push(doubt);
        }
    }
    let is_partial = counts.failed + counts.unresolved > 0 || !input.doubts.is_empty();
    let unknown_fields = Table::ALL.into_iter().filter_map(|table| {
        let fields: BTreeMap<String, u64> =
            built.counts.unknown.of(table).map(|(name, count)| (name.to_owned(), count)).collect();
        (!fields.is_empty()).then(|| (table.name().to_owned(), fields))
    });
    let tables = Table::ALL.map(|table| (table.name().to_owned(), TableEntry::new(table, built.rows(table))));
    let mut options = identity.options.clone();
    options.full = state.as_ref().map(|state| state.is_full);
    let manifest = Manifest {
        manifest_version: MANIFEST_VERSION,
        schema_version: identity.schema_version,
        run_id: run.run_id.clone(),
        status: if is_partial { RunStatus::Partial } else { RunStatus::Complete },
        tool: Tool::default(),
        started_at: format_time(run.started_at).to_string(),
        finished_at: format_time(Utc::now().timestamp_micros()).to_string(),
        source: Source { base_url: identity.base_url.clone() },
        options,
        input,
        contacts: counts,
        requests: Requests {
            sent: requests.sent,
            retries: requests.retries,
            by_status: requests.by_status.clone(),
            timeline: Some(timeline(&requests.timeline)),
        },
        unknown_fields: unknown_fields.collect(),
        known_fields: drift::fields_of_run(&built, &counts),
        schema_changes: Vec::new(),
        tables: tables.into_iter().collect(),
        files: built.files.iter().map(FileEntry::from).chain(built.raw).collect(),
        previous: None,
        state: state.map(|state| state.entry),
        shards: None,
        rebuilt_from: None,
        snapshot_of: Vec::new(),
    };
    Draft { manifest, lists: built.lists, failed_csv: None }
}

impl From<&ContactList> for Input {
    fn from(contacts: &ContactList) -> Self {
        Self {
            path: contacts.path.clone(),
            sha256: contacts.sha256.clone(),
            lines: contacts.lines,
            contacts: contacts.len() as u64,
            duplicates: contacts.duplicates,
            suppressed: 0,
            doubts: contacts.doubts.clone(),
        }
    }
}
