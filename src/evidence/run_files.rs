//! The runs inside a package: their files and manifests byte for byte, as an export of their own.
//!
//! `verify` checks it like any other export. Runs that are not in the package are recorded in its `pruned.json`,
//! so that the chain of manifests leads past them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::Read;

use super::EvidenceError;
use super::bag::{Bag, is_portable};
use super::tables::CsvFile;
use crate::catalog;
use crate::durable::{Content, OnPath, Opened};
use crate::layout::{CHECKSUMS, ERASED, FAILED, LATEST, MANIFEST, NOT_FOUND, PRUNED, run_file, run_folder};
use crate::output::manifest::{Latest, Manifest, Previous};
use crate::output::pruned::{PrunedRun, PrunedRuns};
use crate::snapshot::SourceExport;
use crate::store::Store;

/// Folder of the export inside the package.
const FOLDER: &str = "data/run";
/// Bytes that are copied at once.
const CHUNK: usize = 256 << 10;

/// Copies the files of these runs, the oldest first. The last run becomes the newest of the export inside.
pub(super) fn write(bag: &mut Bag, source: &SourceExport, runs: &[Previous]) -> Result<(), EvidenceError> {
    let header = ["path", "run_id", "original_path", "bytes", "sha256"].map(str::to_owned).to_vec();
    let mut list = CsvFile::create(bag, "data/custody/files", header)?;
    for run in runs {
        let manifest = source.manifest(run)?;
        for (path, sha256) in files(&source.path, &manifest)? {
            let copied = copy(bag, &source.path, &path, sha256.as_deref())?;
            let cells = [&copied.path, run.run_id.as_str(), &path, &copied.bytes.to_string(), &copied.sha256]
                .map(|cell: &str| Some(Cow::Owned(cell.to_owned())));
            list.write(bag, cells)?;
        }
    }
    list.finish(bag)?;
    let Some(newest) = runs.last() else { return Ok(()) };
    let latest = Latest {
        run_id: newest.run_id.clone(),
        manifest: run_file(&newest.run_id, MANIFEST),
        sha256: newest.sha256.clone(),
    };
    bag.write(&format!("{FOLDER}/{LATEST}"), latest.to_json().as_bytes())?;
    // Without it, the files that an erasure replaced would not fit their manifest.
    if let Content::Bytes(erased) = source.path.read(ERASED, catalog::MAX_ERASED)? {
        bag.write(&format!("{FOLDER}/{ERASED}"), &erased)?;
    }
    let pruned = left_out(source, runs)?;
    if !pruned.pruned.is_empty() {
        bag.write(&format!("{FOLDER}/{PRUNED}"), pruned.to_json().as_bytes())?;
    }
    Ok(())
}

/// Returns the files of a run, with their hashes where the manifest has them.
fn files(from: &Store, manifest: &Manifest) -> Result<Vec<(String, Option<String>)>, EvidenceError> {
    let mut files: Vec<(String, Option<String>)> =
        manifest.files.iter().map(|file| (file.path.to_string(), Some(file.sha256.clone()))).collect();
    if let Some(state) = &manifest.state {
        files.push((state.path.to_string(), Some(state.sha256.clone())));
    }
    let known: BTreeSet<String> = files.iter().map(|(path, _)| path.clone()).collect();
    let beside = from.list(&run_folder(&manifest.run_id))?;
    let own = [MANIFEST, CHECKSUMS, FAILED, NOT_FOUND].map(|name| run_file(&manifest.run_id, name));
    files.extend(
        beside
            .into_iter()
            .map(|found| found.path)
            .filter(|path| !known.contains(path) && own.contains(path))
            .map(|path| (path, None)),
    );
    Ok(files)
}

fn copy(
    bag: &mut Bag,
    from: &Store,
    path: &str,
    sha256: Option<&str>,
) -> Result<super::bag::Entry, EvidenceError> {
    let damaged = |what: &str| EvidenceError::Damaged { path: from.join(path), what: what.to_owned() };
    if !is_portable(path) {
        return Err(damaged("its name has characters that no run of this version writes"));
    }
    let Opened::File(mut opened, _) = from.open(path)? else {
        return Err(damaged("it is missing, or not a regular file"));
    };
    let mut file = bag.create(format!("{FOLDER}/{path}"))?;
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = opened.read(&mut chunk).on("read", &from.join(path))?;
        if read == 0 {
            break;
        }
        file.put(&chunk[..read])?;
    }
    let entry = bag.close(file)?;
    match sha256 {
        Some(expected) if expected != entry.sha256 => {
            Err(damaged(&format!("its SHA-256 is {}, but the manifest has {expected}", entry.sha256)))
        }
        _ => Ok(entry),
    }
}

/// Returns the record of the runs that the chain names and the package does not have.
fn left_out(source: &SourceExport, runs: &[Previous]) -> Result<PrunedRuns, EvidenceError> {
    let known = catalog::pruned_runs(&source.path).map_err(crate::snapshot::SnapshotError::from)?;
    let mut pruned = Vec::new();
    let Some(newest) = runs.last() else { return Ok(PrunedRuns { pruned }) };
    let at = source.manifest(newest)?.finished_at;
    let (mut next, mut seen) = (Some(newest.clone()), BTreeSet::new());
    while let Some(run) = next.take().filter(|run| seen.insert(run.sha256.clone())) {
        let manifest =
            catalog::run(&source.path, &run.run_id).map_err(crate::snapshot::SnapshotError::from)?;
        let previous = match manifest.filter(|found| found.sha256 == run.sha256) {
            Some(found) => found.manifest.previous,
            None => known.find(run.run_id.as_str(), &run.sha256).and_then(|found| found.previous.clone()),
        };
        next.clone_from(&previous);
        if !runs.contains(&run) {
            pruned.push(PrunedRun {
                run_id: run.run_id,
                sha256: run.sha256,
                previous,
                pruned_at: at.clone(),
            });
        }
    }
    Ok(PrunedRuns { pruned })
}
