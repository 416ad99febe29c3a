//! Checks the Delta logs: each must name exactly the files of the published runs in its table, with their sizes and
//! numbers of rows, and must have nothing that this program did not write.
//!
//! Other commands change the logs after the manifests. Until they are done, a record names the runs that they work on:
//! the journal or the lock of a publication, the record of pruned runs, that of erasures. Entries of these runs may be
//! anything.

use std::collections::BTreeSet;

use super::added::is_system_file;
use super::runs::unfinished;
use super::{Damage, DamageKind, Report, VerifyOptions, lengths};
use crate::catalog;
use crate::delta::{Changes, DeltaError, Expected, FaultKind, Log};
use crate::durable::StorageError;
use crate::id::RunId;
use crate::layout;
use crate::lock;
use crate::output::ExportPath;
use crate::store::Store;
use crate::table::Table;

/// Maximum number of checks, if other commands change the export meanwhile.
const MAX_ATTEMPTS: usize = 10;

/// Checks the logs, if the export has Delta tables. `has_logs` is true if there is a log.
pub(super) fn check(
    out: &Store,
    options: &VerifyOptions,
    has_logs: bool,
    report: &mut Report,
) -> Result<(), StorageError> {
    if !has_logs && !lengths::newest(out).is_some_and(|newest| newest.options.is_delta()) {
        return Ok(());
    }
    let mut expected = expected(out)?;
    let mut findings = Report::default();
    for _ in 0..MAX_ATTEMPTS {
        findings = Report::default();
        match &expected {
            Ok(expected) => compare(out, options, expected, &mut findings)?,
            Err(detail) => {
                let path = layout::delta_log(Table::Messages.name());
                findings.damage(None, path, DamageKind::Disagreement, detail.clone());
            }
        }
        if findings.damages.is_empty() {
            break;
        }
        // Differences count only if no command has changed the export since.
        let now = self::expected(out)?;
        if now == expected {
            break;
        }
        expected = now;
    }
    report.damages.append(&mut findings.damages);
    report.warnings.append(&mut findings.warnings);
    Ok(())
}

/// The files that the logs should name, or the reason why there can be no such logs.
fn expected(out: &Store) -> Result<Result<Expected, String>, StorageError> {
    let mut expected = match Expected::read(out, &[]) {
        Ok(expected) => expected,
        Err(DeltaError::Storage(error)) => return Err(error),
        Err(error) => return Ok(Err(error.to_string())),
    };
    // Read after the manifests: a command that ends in between has written the logs before they are read.
    let all = catalog::run_ids(out)?;
    let changing = changing(out, &all)?;
    if expected.is_snapshot && !changing.is_empty() {
        // The older snapshots leave the logs together.
        expected.free(&all);
    }
    expected.free(&changing);
    Ok(Ok(expected))
}

/// The runs that other commands work on.
fn changing(out: &Store, all: &BTreeSet<RunId>) -> Result<BTreeSet<RunId>, StorageError> {
    let mut changing: BTreeSet<RunId> =
        unfinished(out)?.iter().filter_map(|run| run.id.parse().ok()).collect();
    changing.extend(lock::run_in_store(out)?);
    // Damaged records are reported elsewhere.
    let pruned = catalog::pruned_runs(out).unwrap_or_default();
    changing.extend(pruned.pruned.into_iter().map(|run| run.run_id).filter(|run_id| all.contains(run_id)));
    let erasures = catalog::erasures(out).ok().flatten();
    let erasure = erasures.as_ref().and_then(|erasures| erasures.unfinished());
    changing.extend(erasure.into_iter().flat_map(|erasure| &erasure.runs).map(|run| run.run_id.clone()));
    Ok(changing)
}

fn compare(
    out: &Store,
    options: &VerifyOptions,
    expected: &Expected,
    report: &mut Report,
) -> Result<(), StorageError> {
    let (mut present, mut missing) = (0, Vec::new());
    for table in Table::ALL {
        let log = Log::read(out, table)?;
        if log.is_missing() {
            missing.push(table);
        } else {
            present += 1;
        }
        let folder = layout::delta_log(table.name());
        for path in &log.others {
            let detail = "another program wrote it: readers of the Delta table may use it instead of the log";
            let finding = Damage::new(None, path.clone(), DamageKind::Added, detail);
            let findings = if is_system_file(path) { &mut report.warnings } else { &mut report.damages };
            findings.push(finding);
        }
        for fault in &log.faults {
            let kind = match fault.kind {
                FaultKind::Foreign => DamageKind::Added,
                FaultKind::Unreadable => DamageKind::Unreadable,
                FaultKind::Missing => DamageKind::Missing,
                FaultKind::NotRegular => DamageKind::UnsafePath,
            };
            report.damage(None, fault.path.clone(), kind, fault.what.clone());
        }
        if log.faults.is_empty() && !log.is_missing() {
            if let Some(detail) = describe(&log.changes(expected), options) {
                report.damage(None, folder.clone(), DamageKind::Disagreement, detail);
            }
            for path in log.paths().chain([folder]) {
                if let Some(detail) = out.loose_permissions(&path)? {
                    report.warnings.push(Damage::new(None, path, DamageKind::Permissions, detail));
                }
            }
        }
    }
    if expected.is_settled() {
        report_missing(&missing, present > 0, report);
    }
    Ok(())
}

/// Reports tables without a log. If no table has one, readers of Delta tables find none, and nothing is wrong for others:
/// that is a warning.
fn report_missing(missing: &[Table], others_have_one: bool, report: &mut Report) {
    for table in missing {
        let path = layout::delta_log(table.name());
        if others_have_one {
            let detail = "the table has no Delta log, but other tables have one";
            report.damage(None, path, DamageKind::Missing, detail);
        } else {
            let detail = "the newest run has --table-format delta, but the tables have no Delta logs";
            report.warnings.push(Damage::new(None, path, DamageKind::Missing, detail));
            return;
        }
    }
}

/// Describes the differences between a log and the manifests; `None` if there are none.
fn describe(changes: &Changes, options: &VerifyOptions) -> Option<String> {
    let of_run = |path: &&ExportPath| options.run.as_ref().is_none_or(|run| path.is_of(run));
    let mut differences = Vec::from_iter(changes.columns.clone());
    let mut describe = |what: &str, which: &str, paths: &[ExportPath]| {
        let mut paths = paths.iter().filter(of_run);
        if let Some(first) = paths.next() {
            differences.push(match paths.count() {
                0 => format!("{what} {first}{which}"),
                more => format!("{what} {} files{which}, such as {first}", more + 1),
            });
        }
    };
    describe("it does not name", "", &changes.missing);
    describe("it has another size, number of rows or partition for", "", &changes.different);
    describe("it names", ", which no manifest names", &changes.superfluous);
    (!differences.is_empty()).then(|| differences.join("; "))
}
