//! Warns of files and folders that users other than their owner may access. They were written with modes 0600
//! and 0700.
//!
//! This is not damage: the owner may have granted access on purpose, and copies have other modes.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::content::{LATEST, checksums_path, failed_path, manifest_path, state_path};
use super::runs::Runs;
use super::{Damage, DamageKind, Report};
use crate::durable::StorageError;

/// Checks all files of the checked runs and their folders. The export's own folder may have existed before.
pub(super) fn check(out: &Path, runs: &Runs, report: &mut Report) -> Result<(), StorageError> {
    let mut seen = BTreeSet::new();
    for run in &runs.checked {
        let files = run.manifest.iter().flat_map(|manifest| &manifest.files);
        let mut paths: Vec<&str> = files.map(|file| file.path.as_str()).collect();
        let own =
            [manifest_path(&run.id), checksums_path(&run.id), failed_path(&run.id), state_path(&run.id)];
        paths.extend(own.iter().map(String::as_str));
        paths.push(LATEST);
        for path in paths {
            for path in Path::new(path).ancestors().filter(|path| !path.as_os_str().is_empty()) {
                // The parents of a checked folder are already checked.
                if !seen.insert(path.to_owned()) {
                    break;
                }
                if let Some(detail) = loose_permissions(&out.join(path))? {
                    let path = path.to_string_lossy().into_owned();
                    let run_id = Some(run.id.clone()).filter(|id| path.contains(id.as_str()));
                    report.warnings.push(Damage { run_id, path, kind: DamageKind::Permissions, detail });
                }
            }
        }
    }
    Ok(())
}

/// Describes a file or folder that group or others may access. Missing files and symbolic links are reported
/// elsewhere.
fn loose_permissions(path: &Path) -> Result<Option<String>, StorageError> {
    match fs::symlink_metadata(path) {
        Ok(meta) if !meta.is_symlink() => {
            let mode = meta.permissions().mode() & 0o777;
            let written = if meta.is_dir() { "700" } else { "600" };
            let detail = format!("its mode is {mode:03o}; it was written with {written}");
            Ok((mode & 0o077 != 0).then_some(detail))
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(StorageError::new("inspect", path, error))
        }
        _ => Ok(None),
    }
}
