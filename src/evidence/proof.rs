//! The files beside a package that prove its origin and its time: a signature and a time stamp of the list of lists.

use std::path::{Path, PathBuf};

use super::bag::TAG_MANIFEST;
use super::publish::Target;
use super::{EvidenceError, EvidencePlan};
use crate::durable::{self, OnPath};
use crate::signature::NAMESPACE;
use crate::snapshot::SnapshotError;
use crate::timestamp::{Stamp, TimestampError};

/// Suffix of the signature.
const SIGNATURE: &str = ".sig";
/// Suffix of the request for a time stamp.
const REQUEST: &str = ".tsq";
/// Suffix of the time stamp. It is written last.
const RESPONSE: &str = ".tsr";

/// Requests a time stamp of these bytes. `None` if the user interrupts it.
pub type Stamper<'a> = dyn Fn(&[u8]) -> Option<Result<Stamp, TimestampError>> + Send + Sync + 'a;

/// The time stamp of a package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StampOutcome {
    /// None was requested.
    #[default]
    NotRequested,
    /// The package had one already.
    Kept,
    /// It was added. This is the time by the clock of the authority.
    Added(String),
    /// There is none, for this reason.
    Failed(String),
}

/// Signs the package in this folder, if the plan has a key.
pub(super) fn sign(plan: &EvidencePlan, folder: &Path) -> Result<(), EvidenceError> {
    let Some(key) = &plan.key else { return Ok(()) };
    let path = folder.join(TAG_MANIFEST);
    let list = std::fs::read(&path).on("read", &path)?;
    let signature = key.sign(NAMESPACE, &list);
    Ok(durable::replace(&with_suffix(folder, SIGNATURE), signature.as_bytes())?)
}

/// Adds a time stamp to the package that is being made in this folder.
pub(super) fn stamp(folder: &Path, stamper: Option<&Stamper<'_>>) -> Result<StampOutcome, EvidenceError> {
    let path = folder.join(TAG_MANIFEST);
    let list = std::fs::read(&path).on("read", &path)?;
    request(&list, stamper, |suffix, content| Ok(durable::replace(&with_suffix(folder, suffix), content)?))
}

/// Adds a time stamp to a finished package that has none.
pub(super) fn stamp_finished(
    target: &Target<'_>,
    stamper: Option<&Stamper<'_>>,
) -> Result<StampOutcome, EvidenceError> {
    if stamper.is_none() {
        return Ok(StampOutcome::NotRequested);
    }
    let Some(list) = target.read(TAG_MANIFEST) else { return Err(target.exists()) };
    if target.read(&format!("{TAG_MANIFEST}{RESPONSE}")).is_some() {
        return Ok(StampOutcome::Kept);
    }
    let mut files = Vec::new();
    let outcome = request(&list, stamper, |suffix, content| {
        files.push((format!("{TAG_MANIFEST}{suffix}"), content.to_vec()));
        Ok(())
    })?;
    if !files.is_empty() {
        target.add(&files)?;
    }
    Ok(outcome)
}

/// Requests a time stamp, and passes its two files on.
fn request(
    list: &[u8],
    stamper: Option<&Stamper<'_>>,
    mut write: impl FnMut(&str, &[u8]) -> Result<(), EvidenceError>,
) -> Result<StampOutcome, EvidenceError> {
    let Some(stamper) = stamper else { return Ok(StampOutcome::NotRequested) };
    match stamper(list) {
        None => Err(SnapshotError::Stopped.into()),
        Some(Err(error)) => Ok(StampOutcome::Failed(error.to_string())),
        Some(Ok(stamp)) => {
            write(REQUEST, &stamp.request)?;
            write(RESPONSE, &stamp.response)?;
            Ok(StampOutcome::Added(stamp.time))
        }
    }
}

fn with_suffix(folder: &Path, suffix: &str) -> PathBuf {
    folder.join(format!("{TAG_MANIFEST}{suffix}"))
}
