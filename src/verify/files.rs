//! Checks the data files that a manifest names: there, plain, of their size and with their hash.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use super::content::NO_PLAIN_FILE;
use super::runs::Run;
use super::{DamageKind, Report};
use crate::digest::sha256_of_open;
use crate::durable::{self, OnPath, Opened, StorageError};
use crate::output::manifest::FileEntry;

/// What stands at a path below the export.
pub(super) enum Standing {
    /// A plain file of this size.
    Plain(u64),
    /// Nothing.
    Nothing,
    /// A symlink, also on the way to it, or something else that is no file.
    Odd,
}

/// Whether all files of a run are as they were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Files {
    /// They are.
    Sound,
    /// Some are not, or nobody knows which there were.
    Damaged,
}

/// Looks at a path without following any symlink below `out`.
pub(super) fn standing(out: &Path, relative: &Path) -> Result<Standing, StorageError> {
    let mut path = out.to_owned();
    let mut parts = relative.components().peekable();
    while let Some(part) = parts.next() {
        path.push(part);
        match fs::symlink_metadata(&path) {
            Ok(meta) if parts.peek().is_some() && meta.is_dir() => {}
            Ok(meta) if parts.peek().is_none() && meta.is_file() => return Ok(Standing::Plain(meta.len())),
            Ok(_) => return Ok(Standing::Odd),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(Standing::Nothing);
            }
            // A name that no file system takes stands in a manifest that was edited.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::InvalidFilename | io::ErrorKind::InvalidInput) =>
            {
                return Ok(Standing::Odd);
            }
            Err(error) => return Err(StorageError::new("look at", &path, error)),
        }
    }
    Ok(Standing::Odd)
}

/// Checks all files that the run's manifest names.
pub(super) fn check(out: &Path, run: &Run, report: &mut Report) -> Result<Files, StorageError> {
    let Some(manifest) = &run.manifest else { return Ok(Files::Damaged) };
    let by_hash: BTreeMap<_, _> =
        manifest.files.iter().map(|file| (file.sha256.as_str(), file.path.as_str())).collect();
    let mut files = Files::Sound;
    for file in &manifest.files {
        report.files += 1;
        // In a manifest that was edited stand numbers of any size.
        report.rows = report.rows.saturating_add(file.rows);
        report.bytes = report.bytes.saturating_add(file.bytes);
        if let Some((kind, detail)) = content_fault(out, file.path.as_path(), file, &by_hash)? {
            report.damage(Some(&run.id), file.path.as_str(), kind, detail);
            files = Files::Damaged;
        }
    }
    Ok(files)
}

/// What is wrong with a file by its path and its size.
pub(super) fn fault_without_reading(
    out: &Path,
    file: &FileEntry,
) -> Result<Option<(DamageKind, String)>, StorageError> {
    size_fault(out, file.path.as_path(), file)
}

/// What is wrong with what stands at the path.
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
            None => (DamageKind::Changed, format!("its SHA-256 is {hash} and was {}", file.sha256)),
        }),
        Err(fault) => Some(fault),
    })
}

/// SHA-256 of a file below the export; or the damage, where no regular file stands there. `named` says why there should.
pub(super) fn hash(
    out: &Path,
    path: &Path,
    named: &str,
) -> Result<Result<String, (DamageKind, String)>, StorageError> {
    Ok(match durable::open_below(out, path)? {
        Opened::File(file, size) => Ok(sha256_of_open(file, size).on("read", &out.join(path))?.0),
        Opened::Missing => Err((DamageKind::Missing, named.to_owned())),
        Opened::NotRegular => Err((DamageKind::UnsafePath, NO_PLAIN_FILE.to_owned())),
    })
}

/// What is wrong with what stands at the path, by its size.
fn size_fault(
    out: &Path,
    path: &Path,
    file: &FileEntry,
) -> Result<Option<(DamageKind, String)>, StorageError> {
    let size = |bytes| format!("it has {bytes} bytes and had {}", file.bytes);
    Ok(match standing(out, path)? {
        Standing::Nothing => Some((DamageKind::Missing, "the manifest names it".to_owned())),
        Standing::Odd => Some((DamageKind::UnsafePath, NO_PLAIN_FILE.to_owned())),
        Standing::Plain(bytes) if bytes < file.bytes => Some((DamageKind::Cut, size(bytes))),
        Standing::Plain(bytes) if bytes > file.bytes => Some((DamageKind::Changed, size(bytes))),
        Standing::Plain(_) => None,
    })
}
