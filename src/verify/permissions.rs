//! Warns of files and folders that users other than their owner may access. They were written with modes 0600
//! and 0700.
//!
//! This is not damage: the owner may have granted access on purpose, and copies have other modes.

use std::collections::BTreeSet;
use std::path::Path;

use super::content::{LATEST, RUN_FILES};
use super::runs::Runs;
use super::{Damage, DamageKind, Report};
use crate::durable::StorageError;
use crate::store::Store;

/// Checks all files of the checked runs and their folders. The export's own folder may have existed before.
pub(super) fn check(out: &Store, runs: &Runs, report: &mut Report) -> Result<(), StorageError> {
    let mut seen = BTreeSet::new();
    for run in &runs.checked {
        let files = run.manifest.iter().flat_map(|manifest| &manifest.files);
        let mut paths: Vec<&str> = files.map(|file| file.path.as_str()).collect();
        let own = RUN_FILES.map(|path| path(&run.id));
        paths.extend(own.iter().map(String::as_str));
        paths.push(LATEST);
        for path in paths {
            for path in Path::new(path).ancestors().filter(|path| !path.as_os_str().is_empty()) {
                // The parents of a checked folder are already checked.
                if !seen.insert(path.to_owned()) {
                    break;
                }
                if let Some(detail) = out.loose_permissions(path)? {
                    let path = path.to_string_lossy().into_owned();
                    let run_id = Some(run.id.clone()).filter(|id| path.contains(id.as_str()));
                    report.warnings.push(Damage { run_id, path, kind: DamageKind::Permissions, detail });
                }
            }
        }
    }
    Ok(())
}
