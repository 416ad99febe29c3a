//! Finds runs from which contacts were erased, but which the record of erasures does not name: it was lost, or replaced
//! by an older copy.
//!
//! An erasure replaces `coverage` or the state of each run that it changes, and their lines in `checksums.sha256`. The
//! manifest stays. So the two differ, unless the record explains it.

use std::collections::BTreeMap;

use super::{CatalogError, Link, MAX_MANIFEST, Walk, erasures};
use crate::durable::{Content, StorageError};
use crate::id::RunId;
use crate::layout::{self, CHECKSUMS};
use crate::output::manifest::Manifest;
use crate::store::{Kind, Store};

/// The table with a row of each contact.
const COVERAGE: &str = "coverage";
/// Number of the newest runs that are looked at before a run begins, so that its start stays quick.
const LOOKED_AT: usize = 8;

/// Returns the first of the newest runs that the record of erasures does not explain. Reads manifests and lists of
/// checksums, but no data.
///
/// # Errors
/// When the record or the newest manifest is damaged, or a file cannot be read.
pub fn run_without_record(out: &Store) -> Result<Option<RunId>, CatalogError> {
    let record = erasures(out)?;
    let Some(walk) = Walk::begin(out)? else { return Ok(None) };
    for link in walk.take(LOOKED_AT) {
        let Link::Run(run) = link? else { continue };
        let run_id = &run.manifest.run_id;
        if record.as_ref().is_some_and(|record| record.is_changing(run_id.as_str())) {
            continue;
        }
        let Content::Bytes(sums) = out.read(layout::run_file(run_id, CHECKSUMS), MAX_MANIFEST)? else {
            continue;
        };
        if is_erased(out, &run.manifest, &String::from_utf8_lossy(&sums))? {
            return Ok(Some(run.manifest.run_id));
        }
    }
    Ok(None)
}

/// True if the list of checksums has another `coverage` or state than the manifest. `manifest` is that without the
/// contacts that the record names.
///
/// # Errors
/// When a folder cannot be read.
pub fn is_erased(out: &Store, manifest: &Manifest, sums: &str) -> Result<bool, StorageError> {
    let lines = sums.lines().map(|line| line.split_once("  ").map(|(sha256, path)| (path, sha256)));
    let Some(sums) = lines.collect::<Option<BTreeMap<_, _>>>() else { return Ok(false) };
    for file in manifest.files.iter().filter(|file| file.table == COVERAGE) {
        match sums.get(file.path.as_str()) {
            Some(sha256) if *sha256 == file.sha256 => {}
            Some(_) => return Ok(true),
            None if out.kind(&file.path)? == Kind::Missing => return Ok(true),
            None => {} // the list was cut
        }
    }
    let state = manifest.state.as_ref();
    let other = |sha256: &&str| state.is_some_and(|state| state.sha256 != **sha256);
    Ok(state.and_then(|state| sums.get(state.path.as_str())).is_some_and(other))
}
