//! Writes the versions of the Delta logs.

use std::path::Path;

use chrono::Utc;

use super::action::{Action, Add, CommitInfo, Operation, Protocol, Remove, Stats};
use super::changes::Changes;
use super::expected::Expected;
use super::log::Log;
use super::{DeltaError, names, schema};
use crate::id::RunId;
use crate::layout;
use crate::output::ExportPath;
use crate::store::{Created, Store};
use crate::table::Table;

/// Maximum number of attempts while other programs write to the log.
const MAX_ATTEMPTS: u32 = 8;

/// Makes the logs name the files of all published runs, except the runs that are about to be removed. Logs that are
/// missing are created. `coverage` comes last: if its log names a run, then the other logs do, too. The caller holds the
/// lock of the export.
///
/// # Errors
/// If the runs cannot be files of one table, a log is damaged or of another program, or a file cannot be read or
/// written.
pub fn sync(out: &Store, leaving: &[&RunId]) -> Result<(), DeltaError> {
    let expected = Expected::read(out, leaving)?;
    // A log that cannot be changed stops all of them.
    let logs = read_all(out)?;
    logs.into_iter().try_for_each(|log| sync_log(out, log, &expected))
}

/// Checks that [`sync()`] will succeed. Writes nothing.
///
/// # Errors
/// As [`sync()`].
pub fn check(out: &Store) -> Result<(), DeltaError> {
    Expected::read(out, &[])?;
    read_all(out).map(drop)
}

fn read_all(out: &Store) -> Result<Vec<Log>, DeltaError> {
    Table::ALL.into_iter().map(|table| read(out, table)).collect()
}

/// Reads the log of a table, which must be one of this program.
fn read(out: &Store, table: Table) -> Result<Log, DeltaError> {
    let log = Log::read(out, table)?;
    match log.faults.first() {
        None => Ok(log),
        Some(fault) => Err(DeltaError::Fault {
            path: out.join(&fault.path),
            what: fault.what.clone(),
            folder: out.join(layout::delta_log(table.name())),
        }),
    }
}

fn sync_log(out: &Store, mut log: Log, expected: &Expected) -> Result<(), DeltaError> {
    let table = log.table;
    for _ in 0..MAX_ATTEMPTS {
        let temporary: Vec<&Path> = log.temporary.iter().map(Path::new).collect();
        out.remove(&temporary)?;
        let changes = log.changes(expected);
        if changes.is_empty() {
            return Ok(());
        }
        let text = version(&log, &changes, expected, Utc::now().timestamp_millis());
        match out.create_first(names::version_path(table, log.next), text.as_bytes())? {
            Created::Written => return Ok(()),
            Created::Foreign => log = read(out, table)?, // another program was faster
        }
    }
    Err(DeltaError::Busy { path: out.join(layout::delta_log(table.name())) })
}

/// The text of the next version.
fn version(log: &Log, changes: &Changes, expected: &Expected, now: i64) -> String {
    let operation = match (changes.superfluous.is_empty(), changes.different.is_empty()) {
        (true, true) => Operation::Write,
        (false, true) if changes.missing.is_empty() => Operation::Delete,
        _ => Operation::Update,
    };
    let run_id = expected.newest.as_ref().map(ToString::to_string);
    let mut actions = vec![Action::CommitInfo(CommitInfo::new(now, operation, run_id))];
    if !log.has_protocol {
        actions.push(Action::Protocol(Protocol::OURS));
    }
    if let (Some(_), Some(keys)) = (&changes.columns, &expected.keys) {
        let id = log.metadata.as_ref().map(|metadata| metadata.id.as_str());
        let created = log.metadata.as_ref().and_then(|metadata| metadata.created_time).unwrap_or(now);
        actions.push(Action::MetaData(schema::metadata(log.table, keys, id, created)));
    }
    actions.extend(changes.superfluous.iter().filter_map(|path| remove(log, path, now)));
    let replaced = changes.different.iter().filter_map(|path| add(expected, path, Some(now)));
    let added = changes.missing.iter().filter_map(|path| add(expected, path, None));
    actions.extend(replaced.chain(added));
    let line = |action: &Action| {
        serde_json::to_string(action).expect("keys are strings, so serialization cannot fail") + "\n"
    };
    actions.iter().map(line).collect()
}

fn remove(log: &Log, path: &ExportPath, now: i64) -> Option<Action> {
    let entry = log.entries.get(path)?;
    Some(Action::Remove(Remove {
        path: names::encoded(path),
        deletion_timestamp: now,
        data_change: true,
        extended_file_metadata: true,
        partition_values: entry.partition.clone(),
        size: Some(entry.bytes),
    }))
}

fn add(expected: &Expected, path: &ExportPath, changed_at: Option<i64>) -> Option<Action> {
    let file = expected.files.get(path)?;
    let stats = Stats { num_records: Some(file.rows) };
    Some(Action::Add(Add {
        path: names::encoded(path),
        partition_values: file.partition.clone(),
        size: file.bytes,
        modification_time: changed_at.unwrap_or(file.finished_at),
        data_change: true,
        stats: serde_json::to_string(&stats).ok(),
        deletion_vector: None,
    }))
}
