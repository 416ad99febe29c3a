//! Finds the files of all runs that hold rows of the contacts.
//!
//! `coverage` has a row of every contact of its run. So the other files of a run are searched only if it has one of the
//! contacts. A state may have contacts that its run was not asked for, and is always searched.

use std::collections::{BTreeSet, HashSet};

use arrow::array::{Array, AsArray, RecordBatch};

use super::{EraseError, ErasedRunFacts};
use crate::catalog::{self, Run, RunReader};
use crate::contact_read::Status;
use crate::durable::{self, Opened};
use crate::layout::{self, FAILED, NOT_FOUND, PRUNED_MANIFEST, RUNS};
use crate::output::ExportPath;
use crate::output::manifest::{ContactCounts, FileEntry, Manifest};
use crate::output::rewrite::{self, RewriteKind};
use crate::output::salted::HashedContacts;
use crate::published::{self, Wanted};
use crate::state;
use crate::store::{Hashed, Kind, Store};
use crate::table::Table;

/// A run that holds rows of the contacts.
pub(super) struct FoundRun {
    pub(super) run: Run,
    /// Erased contacts by the status of their coverage.
    pub(super) contacts: ContactCounts,
    /// Hashes of the found contacts.
    pub(super) hashes: BTreeSet<String>,
    /// Files with rows of them.
    pub(super) files: Vec<FoundFile>,
}

/// A file that holds rows of the contacts.
pub(super) struct FoundFile {
    pub(super) entry: FileEntry,
    pub(super) kind: FileKind,
    /// Number of these rows.
    pub(super) rows: u64,
}

/// Kind of a file, which decides how it is written anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    /// A data file, or a list of contacts.
    Rows(RewriteKind),
    /// The state of an incremental run.
    State,
}

impl FoundRun {
    /// Describes what is to be erased.
    pub(super) fn facts(&self) -> ErasedRunFacts {
        let mut facts = ErasedRunFacts {
            run_id: self.run.manifest.run_id.to_string(),
            contacts: self.contacts.requested,
            rows: std::collections::BTreeMap::new(),
            replaced: 0,
            removed: 0,
        };
        for file in &self.files {
            *facts.rows.entry(file.entry.path.top().to_owned()).or_default() += file.rows;
            let is_gone = file.rows == file.entry.rows && file.kind != FileKind::State;
            *(if is_gone { &mut facts.removed } else { &mut facts.replaced }) += 1;
        }
        facts
    }
}

/// Returns the hashes of all found contacts.
pub(super) fn contacts_of(found: &[FoundRun]) -> HashSet<String> {
    found.iter().flat_map(|run| &run.hashes).cloned().collect()
}

/// Files to be searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// `coverage` and states, and the other files of runs whose `coverage` has one of the contacts.
    ByCoverage,
    /// All files: an interrupted erasure may have replaced `coverage` already.
    All,
}

/// Searches all runs.
pub(super) fn search(
    out: &Store,
    extent: Extent,
    contacts: &mut HashedContacts,
) -> Result<Vec<FoundRun>, EraseError> {
    for listed in out.list(RUNS)? {
        if let Some((run_id, PRUNED_MANIFEST)) = layout::split_run_file(&listed.path) {
            return Err(EraseError::BeingPruned { run_id: run_id.to_owned() });
        }
    }
    let reader = RunReader::new(out)?;
    let mut found = Vec::new();
    for run_id in catalog::run_ids_with_links(out)? {
        let Some(run) = reader.run(&run_id)? else { continue };
        let run = search_run(out, run, extent, contacts)?;
        if !run.files.is_empty() {
            found.push(run);
        }
    }
    Ok(found)
}

fn search_run(
    out: &Store,
    run: Run,
    extent: Extent,
    contacts: &mut HashedContacts,
) -> Result<FoundRun, EraseError> {
    let (counts, hashes) = (ContactCounts::default(), BTreeSet::new());
    let mut found = FoundRun { run, contacts: counts, hashes, files: Vec::new() };
    let manifest = found.run.manifest.clone();
    let (coverage, others): (Vec<_>, Vec<_>) =
        manifest.files.iter().partition(|file| file.table == Table::Coverage.name());
    for file in coverage {
        let rows = search_coverage(out, &mut found, &manifest, file, contacts)?;
        found.add(file.clone(), rows);
    }
    if found.contacts.requested > 0 || extent == Extent::All {
        for file in others {
            let rows = match RewriteKind::of(&file.table, &file.partition) {
                Some(RewriteKind::Table { .. }) => search_table(out, &found.run, file, contacts)?,
                Some(kind) => search_lines(out, file, kind, contacts)?,
                None => {
                    let what = format!("the table {} is not known", file.table);
                    return Err(EraseError::Newer { path: out.join(&file.path), what });
                }
            };
            found.add(file.clone(), rows);
        }
        for name in [FAILED, NOT_FOUND] {
            if let Some((entry, rows)) = search_list(out, &found.run, name, contacts)? {
                found.push(entry, FileKind::Rows(RewriteKind::List), rows);
            }
        }
    }
    if let Some(state) = &manifest.state {
        let entry = state.as_file();
        let mut rows = 0;
        for row in state::read(out, state.path.as_path())? {
            let row = row?;
            if contacts.contains(&row.contact_id) {
                rows += 1;
                found.hashes.insert(contacts.hash(&row.contact_id));
            }
        }
        found.push(entry, FileKind::State, rows);
    }
    Ok(found)
}

impl FoundRun {
    fn add(&mut self, entry: FileEntry, rows: u64) {
        if let Some(kind) = RewriteKind::of(&entry.table, &entry.partition) {
            self.push(entry, FileKind::Rows(kind), rows);
        }
    }

    fn push(&mut self, entry: FileEntry, kind: FileKind, rows: u64) {
        if rows > 0 {
            self.files.push(FoundFile { entry, kind, rows });
        }
    }

    fn count(&mut self, status: Option<&str>) {
        let counts = &mut self.contacts;
        counts.requested += 1;
        match status.and_then(Status::of_name) {
            Some(Status::Exported) => counts.exported += 1,
            Some(Status::Empty) => counts.empty += 1,
            Some(Status::NotFound) => counts.not_found += 1,
            Some(Status::Unresolved) => counts.unresolved += 1,
            Some(Status::Failed) => counts.failed += 1,
            Some(Status::Unchanged) => counts.unchanged += 1,
            None => {} // of a later version
        }
    }
}

/// Returns a text of a batch; `None` if it is null or the column is missing.
pub(super) fn text<'a>(batch: &'a RecordBatch, column: &str, row: usize) -> Option<&'a str> {
    let texts = batch.column_by_name(column)?.as_string_opt::<i32>()?;
    texts.is_valid(row).then(|| texts.value(row))
}

fn search_coverage(
    out: &Store,
    found: &mut FoundRun,
    manifest: &Manifest,
    file: &FileEntry,
    contacts: &mut HashedContacts,
) -> Result<u64, EraseError> {
    let mut rows = 0;
    let wanted = Wanted::Named(&["contact_id", "status"]);
    for batch in published::batches(out, manifest, file, wanted)? {
        let batch = batch?;
        for row in 0..batch.num_rows() {
            let id = text(&batch, "contact_id", row).unwrap_or_default();
            if contacts.contains(id) {
                rows += 1;
                found.hashes.insert(contacts.hash(id));
                found.count(text(&batch, "status", row));
            }
        }
    }
    Ok(rows)
}

fn search_table(
    out: &Store,
    run: &Run,
    file: &FileEntry,
    contacts: &mut HashedContacts,
) -> Result<u64, EraseError> {
    let mut rows = 0;
    for batch in published::batches(out, &run.manifest, file, Wanted::Named(&["contact_id"]))? {
        let batch = batch?;
        for row in 0..batch.num_rows() {
            rows += u64::from(contacts.contains(text(&batch, "contact_id", row).unwrap_or_default()));
        }
    }
    Ok(rows)
}

fn search_lines(
    out: &Store,
    file: &FileEntry,
    kind: RewriteKind,
    contacts: &mut HashedContacts,
) -> Result<u64, EraseError> {
    let opened = published::open(out, file)?;
    rewrite::count_lines(opened, kind, &mut |id| contacts.contains(id))
        .map_err(|error| EraseError::of_rewrite(&out.join(&file.path), error))
}

/// Searches a list of contacts beside the manifest, which does not name it.
fn search_list(
    out: &Store,
    run: &Run,
    name: &str,
    contacts: &mut HashedContacts,
) -> Result<Option<(FileEntry, u64)>, EraseError> {
    let path = ExportPath::of_run(&run.manifest.run_id, name);
    let damaged = || EraseError::damaged(&out.join(&path), durable::NOT_REGULAR);
    let mut all = 0;
    let rows = match out.open(&path)? {
        Opened::Missing => return Ok(None),
        Opened::NotRegular => return Err(damaged()),
        Opened::File(file, _) => {
            let counted = rewrite::count_lines(file, RewriteKind::List, &mut |id| {
                all += 1;
                contacts.contains(id)
            });
            counted.map_err(|error| EraseError::of_rewrite(&out.join(&path), error))?
        }
    };
    let (Kind::File(bytes), Hashed::Sha256(sha256)) = (out.kind(&path)?, out.hash(&path)?) else {
        return Err(damaged());
    };
    Ok(Some((FileEntry::of_run(path, all, bytes, sha256), rows)))
}
