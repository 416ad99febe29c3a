//! Checks the data files that a manifest names: they must exist as regular files with the recorded size and
//! hash.

use std::collections::BTreeMap;
use std::path::Path;

use super::content::NOT_REGULAR;
use super::runs::Run;
use super::{DamageKind, Report};
use crate::durable::StorageError;
use crate::output::manifest::FileEntry;
use crate::store::{Hashed, Kind, Store};

/// State of all files of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Files {
    /// All files are intact.
    Sound,
    /// Some files are damaged, or the manifest that lists them is lost.
    Damaged,
}

/// Checks all files that the run's manifest names.
pub(super) fn check(out: &Store, run: &Run, report: &mut Report) -> Result<Files, StorageError> {
    let Some(manifest) = &run.manifest else { return Ok(Files::Damaged) };
    let by_hash: BTreeMap<_, _> =
        manifest.files.iter().map(|file| (file.sha256.as_str(), file.path.as_str())).collect();
    let mut files = Files::Sound;
    for file in &manifest.files {
        report.files += 1;
        // An edited manifest may contain numbers of any size.
        report.rows = report.rows.saturating_add(file.rows);
        report.bytes = report.bytes.saturating_add(file.bytes);
        if let Some((kind, detail)) = content_fault(out, file.path.as_path(), file, &by_hash)? {
            report.damage(Some(&run.id), file.path.as_str(), kind, detail);
            files = Files::Damaged;
        }
    }
    Ok(files)
}

/// Returns the damage of a file that its path and size show.
pub(super) fn fault_without_reading(
    out: &Store,
    file: &FileEntry,
) -> Result<Option<(DamageKind, String)>, StorageError> {
    size_fault(out, file.path.as_path(), file)
}

/// Returns the damage of the file at the path.
pub(super) fn content_fault(
    out: &Store,
    path: &Path,
    file: &FileEntry,
    by_hash: &BTreeMap<&str, &str>,
) -> Result<Option<(DamageKind, String)>, StorageError> {
    if let Some(fault) = size_fault(out, path, file)? {
        return Ok(Some(fault));
    }
    Ok(match hash(out, path, "the manifest names it")? {
        Ok(hash) if hash == file.sha256 => None,
        Ok(hash) => Some(match by_hash.get(hash.as_str()) {
            Some(other) => (DamageKind::Changed, format!("it has the content of {other}")),
            None => (DamageKind::Changed, format!("its SHA-256 is {hash}, expected {}", file.sha256)),
        }),
        Err(fault) => Some(fault),
    })
}

/// Returns the SHA-256 of a file below the export, or the damage if it is not a regular file. `named` states
/// which file names it.
pub(super) fn hash(
    out: &Store,
    path: &Path,
    named: &str,
) -> Result<Result<String, (DamageKind, String)>, StorageError> {
    Ok(match out.hash(path)? {
        Hashed::Sha256(hash) => Ok(hash),
        Hashed::Missing => Err((DamageKind::Missing, named.to_owned())),
        Hashed::NotRegular => Err((DamageKind::UnsafePath, NOT_REGULAR.to_owned())),
    })
}

/// Returns the damage of the file at the path that its size shows.
fn size_fault(
    out: &Store,
    path: &Path,
    file: &FileEntry,
) -> Result<Option<(DamageKind, String)>, StorageError> {
    let size = |bytes| format!("it has {bytes} bytes, expected {}", file.bytes);
    Ok(match out.kind(path)? {
        Kind::Missing => Some((DamageKind::Missing, "the manifest names it".to_owned())),
        Kind::NotRegular => Some((DamageKind::UnsafePath, NOT_REGULAR.to_owned())),
        Kind::File(bytes) if bytes < file.bytes => Some((DamageKind::Cut, size(bytes))),
        Kind::File(bytes) if bytes > file.bytes => Some((DamageKind::Changed, size(bytes))),
        Kind::File(_) => None,
    })
}
