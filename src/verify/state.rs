//! Checks the state file of an incremental run: its bytes, and in the deep check its rows against `coverage`.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use xxhash_rust::xxh3::xxh3_128;

use super::content::state_path;
use super::files::{Files, content_fault};
use super::runs::Run;
use super::{DamageKind, Report, VerifyError};
use crate::contact_read::Status;
use crate::durable::StorageError;
use crate::output::manifest::{Manifest, StateEntry};
use crate::state::{self, StateError};
use crate::store::{Kind, Store};

/// Checks that the state file exists and is unchanged exactly if the manifest names it.
pub(super) fn check(out: &Store, run: &Run, report: &mut Report) -> Result<Files, StorageError> {
    let Some(manifest) = &run.manifest else { return Ok(Files::Damaged) };
    let path = state_path(&run.id);
    let Some(state) = &manifest.state else {
        if !matches!(out.kind(&path)?, Kind::Missing) {
            report.damage(Some(&run.id), path, DamageKind::Added, "the manifest names no state file");
        }
        return Ok(Files::Sound);
    };
    match content_fault(out, Path::new(&path), &state.as_file(), &BTreeMap::new())? {
        None => Ok(Files::Sound),
        Some((kind, detail)) => {
            report.damage(Some(&run.id), path, kind, detail);
            Ok(Files::Damaged)
        }
    }
}

/// Compares the rows of an intact state file with the coverage of its run.
pub(super) fn compare(out: &Store, manifest: &Manifest, report: &mut Report) -> Result<(), VerifyError> {
    let Some(state) = &manifest.state else { return Ok(()) };
    match statuses(out, state) {
        Ok((rows, statuses)) => {
            let mut add_damage = |kind, detail| {
                report.damage(Some(manifest.run_id.as_str()), state.path.as_str(), kind, detail);
            };
            if rows != state.rows {
                add_damage(
                    DamageKind::RowCount,
                    format!("it has {rows} rows, but the manifest says {}", state.rows),
                );
            }
            if rows != statuses.len() as u64 {
                add_damage(
                    DamageKind::Duplicate,
                    format!("{} contacts occur twice", rows - statuses.len() as u64),
                );
            }
            let wrong = super::deep::uncovered(out, manifest, &statuses)?;
            if wrong > 0 {
                add_damage(DamageKind::Disagreement, format!("{wrong} contacts differ from coverage"));
            }
            Ok(())
        }
        Err(StateError::Storage(error)) => Err(error.into()),
        Err(error) => {
            let run_id = Some(manifest.run_id.as_str());
            report.damage(run_id, state.path.as_str(), DamageKind::Unreadable, error.to_string());
            Ok(())
        }
    }
}

/// Returns the number of rows, and the status of each contact by its fingerprint.
fn statuses(out: &Store, state: &StateEntry) -> Result<(u64, HashMap<u128, Status>), StateError> {
    let (mut rows, mut statuses) = (0, HashMap::new());
    for row in state::read(out, state.path.as_path())? {
        let row = row?;
        rows += 1;
        statuses.insert(fingerprint(&row.contact_id), row.status);
    }
    Ok((rows, statuses))
}

/// Returns the fingerprint of a contact.
pub(super) fn fingerprint(id: &str) -> u128 {
    xxh3_128(id.as_bytes())
}

/// True if the state file may hold `remembered` for a contact with this status in `coverage`.
pub(super) fn fits(covered: &str, remembered: Option<Status>) -> bool {
    match remembered {
        None => false,
        Some(Status::Exported | Status::Empty | Status::NotFound)
            if covered == Status::Unchanged.as_str() =>
        {
            true
        }
        Some(status) => status.as_str() == covered,
    }
}
