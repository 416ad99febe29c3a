//! Erase: removes contacts from every run of an export, and keeps the chain of manifests.
//!
//! [`search`] finds the files that hold rows of the contacts. [`stage`] writes each of them anew, without these rows.
//! Then the record of erasures is written: from now on, each of its files is right as before or as after. [`swap`]
//! replaces the files and the lists of checksums. The Delta logs get their new sizes. At last the record says that the erasure is finished.
//!
//! After an interruption, [`carry_out`] does the rest. It needs neither the staged files nor the IDs of the contacts: it
//! searches again for rows whose salted hash is in the record. Files that are replaced already have none.
//!
//! [`mentions`] counts texts of other contacts that name an erased one. They stay.
//!
//! Layer 3: uses `catalog`, `delta`, `published`, `output`, `state` and `table`. The caller holds the lock of the export.

mod error;
mod mentions;
mod search;
mod stage;
mod swap;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use chrono::Utc;
use serde::Serialize;

use crate::catalog::{self, MAX_ERASED, RunReader};
use crate::contacts::ContactList;
use crate::delta;
use crate::durable::{self, Content, NOT_REGULAR};
use crate::id::RunId;
use crate::layout::{ERASED, ERASED_SIGNATURE};
use crate::lock::LockError;
use crate::output::erased::{Erasure, Erasures};
use crate::output::manifest::{Previous, Tool};
use crate::output::salted::HashedContacts;
use crate::signature::{self, SigningKey};
use crate::store::Store;
use crate::time::format_time;

pub use error::EraseError;
pub use mentions::Mentions;

use search::{Extent, FoundRun};

/// An order to erase contacts.
#[derive(Debug)]
pub struct EraseOrder {
    /// Contacts to be erased.
    pub contacts: ContactList,
    /// Reference, such as the number of a request.
    pub reference: String,
    /// Reason, if one is given.
    pub reason: Option<String>,
    /// Person or office that ordered it, if known.
    pub by: Option<String>,
}

/// Result of an erasure, or of its dry run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EraseResult {
    /// True if nothing was changed.
    pub dry_run: bool,
    /// ID of the erasure in the record; `None` if there was nothing to do.
    pub erasure: Option<String>,
    /// Reference of the erasure.
    pub reference: String,
    /// Number of contacts in the order.
    pub contacts: u64,
    /// Number of contacts with rows in a run.
    pub erased: u64,
    /// Number of contacts that were erased before.
    pub erased_before: u64,
    /// Contacts that no run of the export holds.
    pub unknown: Vec<String>,
    /// Runs that held rows of the contacts, the oldest first.
    pub runs: Vec<ErasedRunFacts>,
    /// Texts of other contacts that name an erased one; `None` if they were not counted.
    pub mentions: Option<Mentions>,
}

/// Changes to one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErasedRunFacts {
    /// ID of the run.
    pub run_id: String,
    /// Number of contacts that were erased from the run.
    pub contacts: u64,
    /// Number of rows that were erased, by table; also `raw`, and `_runs` for the files beside the manifest.
    pub rows: BTreeMap<String, u64>,
    /// Number of files that were replaced.
    pub replaced: u64,
    /// Number of files that were removed, because no row was left.
    pub removed: u64,
}

/// Checks that the command still holds the lock of the export. Called before each step.
pub type Held<'a> = &'a dyn Fn() -> Result<(), LockError>;

/// An export, and the means to change it.
#[derive(Clone, Copy)]
pub struct EraseTarget<'a> {
    /// The export.
    pub out: &'a Store,
    /// Folder of the staged files, on this machine.
    pub stage: &'a Path,
    /// The lock.
    pub held: Held<'a>,
}

/// Counts what an erasure would remove. Changes nothing.
///
/// # Errors
/// When the export cannot be read or is damaged.
pub fn dry_run(out: &Store, order: &EraseOrder) -> Result<EraseResult, EraseError> {
    let record = catalog::erasures(out)?.unwrap_or_default();
    let hashes: Vec<String> = order.contacts.iter().map(|id| record.salt.hash(&id)).collect();
    let mut contacts = HashedContacts::new(&record.salt, &hashes);
    let found = search::search(out, Extent::ByCoverage, &mut contacts)?;
    let mut result = result(&record, order, &found);
    result.dry_run = true;
    result.mentions = Some(mentions::count(out, &found, &mut contacts)?);
    result.runs = found.iter().map(FoundRun::facts).collect();
    Ok(result)
}

/// Erases contacts, after an interrupted erasure is finished.
///
/// # Errors
/// When the export cannot be read or is damaged, or a file cannot be written. The next command finishes the erasure, if
/// its record was written.
pub fn erase(target: EraseTarget, order: &EraseOrder) -> Result<EraseResult, EraseError> {
    stage::clear(target.stage)?;
    finish(target)?;
    let EraseTarget { out, .. } = target;
    let record = catalog::erasures(out)?.unwrap_or_default();
    let mut hashes: Vec<String> = order.contacts.iter().map(|id| record.salt.hash(&id)).collect();
    let mut contacts = HashedContacts::new(&record.salt, &hashes);
    let found = search::search(out, Extent::ByCoverage, &mut contacts)?;
    let mut result = result(&record, order, &found);
    let mut suppressed = record.suppressed();
    let is_new = order.contacts.iter().any(|id| !suppressed.contains(&id));
    if found.is_empty() && !is_new {
        return Ok(result);
    }
    result.mentions = Some(mentions::count(out, &found, &mut contacts)?);
    hashes.sort();
    hashes.dedup();
    let erasure = Erasure {
        id: RunId::new(Utc::now()).to_string(),
        reference: order.reference.clone(),
        reason: order.reason.clone(),
        by: order.by.clone(),
        erased_at: now(),
        finished_at: None,
        unsuppressed_at: None,
        tool: Tool::default(),
        after_run: newest(out)?,
        contact_sha256: hashes,
        runs: Vec::new(),
    };
    result.erasure = Some(erasure.id.clone());
    result.runs = carry_out(target, record, erasure, &found)?;
    Ok(result)
}

/// Finishes an interrupted erasure. Returns its result; `None` if there is none.
///
/// # Errors
/// As [`erase`].
pub fn finish(target: EraseTarget) -> Result<Option<EraseResult>, EraseError> {
    let EraseTarget { out, .. } = target;
    let Some(mut record) = catalog::erasures(out)? else { return Ok(None) };
    if record.unfinished().is_none() {
        return Ok(None);
    }
    let Some(mut erasure) = record.erasures.pop() else { return Ok(None) };
    // A run that was pruned since has no files to replace, and no checksums.
    let reader = RunReader::new(out)?;
    let mut left = Vec::with_capacity(erasure.runs.len());
    for run in std::mem::take(&mut erasure.runs) {
        if reader.run(&run.run_id)?.is_some_and(|found| found.sha256 == run.manifest_sha256) {
            left.push(run);
        }
    }
    erasure.runs = left;
    // Files that are not replaced yet are searched and written again.
    for run in &mut erasure.runs {
        let mut replaced = Vec::with_capacity(run.files.len());
        for file in std::mem::take(&mut run.files) {
            if catalog::is_replaced(out, &file)? {
                replaced.push(file);
            }
        }
        run.files = replaced;
    }
    let mut contacts = HashedContacts::new(&record.salt, &erasure.contact_sha256);
    let found = search::search(out, Extent::All, &mut contacts)?;
    let mut result = EraseResult {
        erasure: Some(erasure.id.clone()),
        reference: erasure.reference.clone(),
        contacts: erasure.contact_sha256.len() as u64,
        ..EraseResult::default()
    };
    result.runs = carry_out(target, record, erasure, &found)?;
    Ok(Some(result))
}

/// Result of [`unsuppress`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsuppressed {
    /// No erasure has the reference.
    Unknown,
    /// The contacts were exported again before.
    Before,
    /// This number of contacts is exported again from now on.
    Now(u64),
}

/// Lets runs export the contacts of the erasures with this reference again. The caller holds the lock of the export.
///
/// # Errors
/// When the record cannot be read or written.
pub fn unsuppress(out: &Store, reference: &str) -> Result<Unsuppressed, EraseError> {
    let mut record = catalog::erasures(out)?.unwrap_or_default();
    let mut result = Unsuppressed::Unknown;
    let mut contacts = 0;
    for erasure in record.erasures.iter_mut().filter(|erasure| erasure.reference == reference) {
        result = Unsuppressed::Before;
        if erasure.unsuppressed_at.is_none() {
            erasure.unsuppressed_at = Some(now());
            contacts += erasure.contact_sha256.len() as u64;
        }
    }
    if contacts > 0 {
        write_record(out, &record)?;
        result = Unsuppressed::Now(contacts);
    }
    Ok(result)
}

/// Stages the files, records the erasure, replaces the files, and records that it is finished.
fn carry_out(
    target: EraseTarget,
    mut record: Erasures,
    mut erasure: Erasure,
    found: &[FoundRun],
) -> Result<Vec<ErasedRunFacts>, EraseError> {
    let EraseTarget { out, held, .. } = target;
    held()?;
    let mut contacts = HashedContacts::new(&record.salt, &erasure.contact_sha256);
    stage::stage(target, found, &mut contacts, &mut erasure.runs)?;
    record.erasures.push(erasure);
    held()?;
    write_record(out, &record)?;
    let runs = record.erasures.last().map(|erasure| erasure.runs.as_slice()).unwrap_or_default();
    swap::swap(target, runs)?;
    // Until the record says that it is finished, `verify` expects logs that are not right yet.
    sync_delta_logs(out)?;
    let facts = runs.iter().map(swap::facts).collect();
    held()?;
    if let Some(erasure) = record.erasures.last_mut() {
        erasure.finished_at = Some(now());
    }
    write_record(out, &record)?;
    stage::clear(target.stage)?;
    Ok(facts)
}

/// Gives the Delta logs the sizes of the replaced files. The next command does it after an interruption.
///
/// # Errors
/// When a log cannot be read or written, or is of another program.
pub fn sync_delta_logs(out: &Store) -> Result<(), EraseError> {
    if delta::is_wanted(out)? { Ok(delta::sync(out, &[])?) } else { Ok(()) }
}

/// Writes the record. An earlier signature is not valid any more, and is removed first.
fn write_record(out: &Store, record: &Erasures) -> Result<(), EraseError> {
    out.remove(&[Path::new(ERASED_SIGNATURE)])?;
    Ok(out.write(ERASED, record.to_json().as_bytes())?)
}

/// Signs the record, and returns true; false if there is none.
///
/// # Errors
/// When the record cannot be read, or the signature cannot be written.
pub fn sign(out: &Store, key: &SigningKey) -> Result<bool, EraseError> {
    match out.read(ERASED, MAX_ERASED)? {
        Content::Bytes(text) => {
            out.write(ERASED_SIGNATURE, key.sign(signature::NAMESPACE, &text).as_bytes())?;
            Ok(true)
        }
        Content::Missing => Ok(false),
        Content::NotRegular => Err(EraseError::damaged(&out.join(ERASED), NOT_REGULAR)),
        Content::TooLarge(limit) => Err(EraseError::damaged(&out.join(ERASED), &durable::too_large(limit))),
    }
}

/// The part of the result that the search gives.
fn result(record: &Erasures, order: &EraseOrder, found: &[FoundRun]) -> EraseResult {
    let seen = search::contacts_of(found);
    let before: std::collections::HashSet<&String> =
        record.erasures.iter().flat_map(|erasure| &erasure.contact_sha256).collect();
    let mut result = EraseResult {
        reference: order.reference.clone(),
        contacts: order.contacts.len() as u64,
        ..EraseResult::default()
    };
    for id in order.contacts.iter() {
        let hash = record.salt.hash(&id);
        if seen.contains(&hash) {
            result.erased += 1;
        } else if before.contains(&hash) {
            result.erased_before += 1;
        } else {
            result.unknown.push(id.to_string());
        }
    }
    result
}

fn newest(out: &Store) -> Result<Option<Previous>, EraseError> {
    let latest = catalog::latest(out)?;
    Ok(latest.map(|latest| Previous { run_id: latest.run_id, sha256: latest.sha256 }))
}

fn now() -> String {
    format_time(Utc::now().timestamp_micros()).to_string()
}
