//! Erasures: the manifests without the erased contacts, and what the report says of them.
//!
//! Files of an unfinished erasure are either as before or as after, and each of them is checked for that. Counts over
//! several files of such a run fit neither, so they are not compared.
//!
//! A forged record could excuse a changed file. So each erasure that replaced files is reported, and a record that no
//! erasure can have left is damage.

use std::collections::BTreeMap;

use serde::Serialize;

use super::content::{Content, read_content};
use super::runs::{Found, Run, Runs};
use super::{Damage, DamageKind, Report, VerifyOptions};
use crate::catalog;
use crate::durable::StorageError;
use crate::layout::ERASED;
use crate::output::ExportPath;
use crate::output::erased::{ErasedRun, Erasure, Erasures};
use crate::store::{Hashed, Kind, Store};
use crate::table::Table;

/// Maximum number of runs that a warning names.
const MAX_NAMED: usize = 3;

/// A finished erasure that changed a checked run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErasureFacts {
    /// Reference of the erasure.
    pub reference: String,
    /// Time of its start.
    pub erased_at: String,
    /// Number of erased contacts. With a single run, only of those that its `coverage` had.
    pub contacts: u64,
}

/// Applies the erasures to the manifests.
pub(super) fn apply(
    out: &Store,
    erasures: Option<&Erasures>,
    found: &mut BTreeMap<String, Found>,
) -> Result<(), StorageError> {
    let Some(mut erasures) = erasures.cloned() else { return Ok(()) };
    erasures.keep_replaced(&mut |file| catalog::is_replaced(out, file))?;
    for run in found.values_mut() {
        if let Some(Ok(manifest)) = &mut run.manifest {
            erasures.apply(manifest, &run.sha256);
        }
    }
    Ok(())
}

/// Adds the erasures that replaced files of the checked runs to the report, a warning for an unfinished one, and the
/// contradictions of the record.
pub(super) fn report(runs: &Runs, options: &VerifyOptions, report: &mut Report) {
    let Some(erasures) = &runs.erasures else { return };
    for erasure in &erasures.erasures {
        if let Some(detail) = contradiction(erasure) {
            let detail = format!("its erasure {} contradicts itself: {detail}", erasure.reference);
            report.damage(None, ERASED, DamageKind::Disagreement, detail);
        }
        if erasure.finished_at.is_none() {
            report.warnings.push(Damage::new(
                None,
                ERASED,
                DamageKind::Unfinished,
                unfinished(erasure, runs),
            ));
            continue;
        }
        let is_checked = |run: &&ErasedRun| options.run.as_ref().is_none_or(|run_id| run.run_id == *run_id);
        let changed: Vec<&ErasedRun> = erasure.runs.iter().filter(is_checked).collect();
        if changed.iter().all(|run| run.files.is_empty()) {
            continue;
        }
        let contacts = match &options.run {
            None => erasure.contact_sha256.len() as u64,
            Some(_) => changed.iter().map(|run| run.contacts.requested).sum(),
        };
        let (reference, erased_at) = (erasure.reference.clone(), erasure.erased_at.clone());
        report.erasures.push(ErasureFacts { reference, erased_at, contacts });
    }
}

/// Describes an unfinished erasure, and the checks that it prevents.
fn unfinished(erasure: &Erasure, runs: &Runs) -> String {
    let changing: Vec<&str> =
        runs.checked.iter().filter(|run| run.is_changing).map(|run| run.id.as_str()).collect();
    let named = changing.iter().take(MAX_NAMED).copied().collect::<Vec<_>>().join(", ");
    let more = match changing.len().saturating_sub(MAX_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let run = if changing.len() == 1 { "run" } else { "runs" };
    let unchecked = match changing.len() {
        0 => String::new(),
        _ => format!("; the rows and the checksums.sha256 of {run} {named}{more} were not checked"),
    };
    format!(
        "the erasure {} of {} is not finished: its files are as before or as after{unchecked}",
        erasure.reference,
        day(erasure)
    )
}

/// Describes why no erasure can have left this entry of the record.
fn contradiction(erasure: &Erasure) -> Option<String> {
    let replaced = erasure.runs.iter().any(|run| !run.files.is_empty());
    if replaced && erasure.contact_sha256.is_empty() {
        return Some("it replaced files, but has no contacts".to_owned());
    }
    erasure.runs.iter().find_map(|run| {
        let mut covered = 0;
        for file in &run.files {
            let after = file.after.as_ref().map_or(0, |after| after.rows);
            let Some(erased) = file.before.rows.checked_sub(after).filter(|erased| *erased > 0) else {
                return Some(format!(
                    "{} had {} rows before, and {after} after",
                    file.path, file.before.rows
                ));
            };
            if file.path.top() == Table::Coverage.name() {
                covered += erased;
            }
        }
        let requested = run.contacts.requested;
        (covered != requested).then(|| {
            format!(
                "it erased {covered} rows of coverage from the run {}, but counts {requested} contacts",
                run.run_id
            )
        })
    })
}

/// Reports a run from which contacts were erased without a record of it, and returns true. Each of its files is as
/// `checksums.sha256` lists it. So the only damage is the lost record.
pub(super) fn is_without_record(out: &Store, run: &Run, report: &mut Report) -> Result<bool, StorageError> {
    let (Some(manifest), Some(checksums), false) = (&run.manifest, &run.checksums, run.is_changing) else {
        return Ok(false);
    };
    if !catalog::is_erased(out, manifest, &checksums.text)? {
        return Ok(false);
    }
    for (path, sha256) in &checksums.sums {
        if path.parse::<ExportPath>().is_err() || out.hash(path)? != Hashed::Sha256(sha256.clone()) {
            return Ok(false);
        }
    }
    for file in &manifest.files {
        if !checksums.sums.contains_key(file.path.as_str()) && out.kind(&file.path)? != Kind::Missing {
            return Ok(false);
        }
    }
    let (kind, what) = match out.kind(ERASED)? {
        Kind::Missing => (DamageKind::Missing, "is missing: restore it from a copy"),
        _ => (DamageKind::Disagreement, "does not say so: restore a newer copy"),
    };
    let detail = format!(
        "contacts were erased from the run {}: its files are as in checksums.sha256, and not as in the manifest; the record of erasures, {ERASED}, {what}",
        run.id
    );
    report.damage(Some(&run.id), ERASED, kind, detail);
    Ok(true)
}

fn day(erasure: &Erasure) -> &str {
    erasure.erased_at.split('T').next().unwrap_or_default()
}

/// True if the record of erasures has changed since it was read, so that files were replaced meanwhile.
pub(super) fn has_changed(out: &Store, runs: &Runs) -> Result<bool, StorageError> {
    let now = match read_content(out, ERASED)? {
        Content::Plain(text) => Erasures::parse(&text).ok(),
        Content::Missing | Content::Rejected(..) => None,
    };
    Ok(now != runs.erasures)
}
