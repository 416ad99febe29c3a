//! Checks the data files that a manifest names: they must exist as regular files with the recorded size and
//! hash.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use super::content::NOT_REGULAR;
use super::runs::Run;
use super::{DamageKind, Report};
use crate::digest::sha256_of_open;
use crate::durable::{self, OnPath, Opened, StorageError};
use crate::output::manifest::FileEntry;

/// Kind of file at a path below the export.
pub(super) enum PathKind {
    /// A regular file of this size.
    File(u64),
    /// There is no file.
    Missing,
    /// A symbolic link in the path, or another kind of file.
    NotRegular,
}

/// State of all files of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Files {
    /// All files are intact.
    Sound,
    /// Some files are damaged, or the manifest that lists them is lost.
    Damaged,
}

/// Inspects a path without following symbolic links below `out`.
pub(super) fn path_kind(out: &Path, relative: &Path) -> Result<PathKind, StorageError> {
    let mut path = out.to_owned();
    let mut parts = relative.components().peekable();
    while let Some(part) = parts.next() {
        path.push(part);
        match fs::symlink_metadata(&path) {
            Ok(meta) if parts.peek().is_some() && meta.is_dir() => {}
            Ok(meta) if parts.peek().is_none() && meta.is_file() => return Ok(PathKind::File(meta.len())),
            Ok(_) => return Ok(PathKind::NotRegular),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(PathKind::Missing);
            }
            // An edited manifest may contain names that the file system rejects.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::InvalidFilename | io::ErrorKind::InvalidInput) =>
            {
                return Ok(PathKind::NotRegular);
            }
            Err(error) => return Err(StorageError::new("inspect", &path, error)),
        }
    }
    Ok(PathKind::NotRegular)
}

/// Checks all files that the run's manifest names.
pub(super) fn check(out: &Path, run: &Run, report: &mut Report) -> Result<Files, StorageError> {
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
    out: &Path,
    file: &FileEntry,
) -> Result<Option<(DamageKind, String)>, StorageError> {
    size_fault(out, file.path.as_path(), file)
}

/// Returns the damage of the file at the path.
pub(super) fn content_fault(
    out: &Path,
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
    out: &Path,
    path: &Path,
    named: &str,
) -> Result<Result<String, (DamageKind, String)>, StorageError> {
    Ok(match durable::open_below(out, path)? {
        Opened::File(file, size) => Ok(sha256_of_open(file, size).on("read", &out.join(path))?.0),
        Opened::Missing => Err((DamageKind::Missing, named.to_owned())),
        Opened::NotRegular => Err((DamageKind::UnsafePath, NOT_REGULAR.to_owned())),
    })
}

/// Returns the damage of the file at the path that its size shows.
fn size_fault(
    out: &Path,
    path: &Path,
    file: &FileEntry,
) -> Result<Option<(DamageKind, String)>, StorageError> {
    let size = |bytes| format!("it has {bytes} bytes, expected {}", file.bytes);
    Ok(match path_kind(out, path)? {
        PathKind::Missing => Some((DamageKind::Missing, "the manifest names it".to_owned())),
        PathKind::NotRegular => Some((DamageKind::UnsafePath, NOT_REGULAR.to_owned())),
        PathKind::File(bytes) if bytes < file.bytes => Some((DamageKind::Cut, size(bytes))),
        PathKind::File(bytes) if bytes > file.bytes => Some((DamageKind::Changed, size(bytes))),
        PathKind::File(_) => None,
    })
}
