//! The steps of publishing, in order. Each may be done already.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use super::place::{create_folders, place};
use super::{DECISION, Draft, JOURNAL, LIST, PublishError, Published, RUN, SPOOL, STAGE, run_file};
use crate::catalog::MAX_LATEST;
use crate::digest::{sha256, sha256_of_file};
use crate::durable::{self, Content};
use crate::layout::{CHECKSUMS, FAILED, LATEST, MANIFEST};
use crate::output::manifest::{Latest, Manifest, ManifestError, Previous, StateEntry};

/// Called with the name of the step that is done. An error stops the publication there.
pub type AfterStep<'a> = &'a mut dyn FnMut(&str) -> Result<(), PublishError>;

/// Does the remaining steps.
pub(super) fn redo(
    out: &Path,
    work: &Path,
    draft: Draft,
    after: AfterStep,
) -> Result<Published, PublishError> {
    after("journal")?;
    if !out.is_dir() {
        durable::create_dir_all(out)?;
    }
    durable::are_real_dirs(out, Path::new(&run_file(&draft.manifest, "")))?;
    let manifest_path = out.join(run_file(&draft.manifest, MANIFEST));
    let manifest = if let Some(text) = durable::read_if_exists(&manifest_path)? {
        let torn = |source: ManifestError| PublishError::Unreadable {
            path: manifest_path.clone(),
            source: source.into(),
        };
        Manifest::parse(&text).map_err(torn)?
    } else {
        move_files(out, work, &draft, after)?;
        write_lists(out, work, &draft, after)?;
        commit(out, draft, &manifest_path, after)?
    };
    point_at(out, &manifest)?;
    after("latest")?;
    remove_work(work, after)?;
    Ok(Published { manifest, manifest_path })
}

fn move_files(out: &Path, work: &Path, draft: &Draft, after: AfterStep) -> Result<(), PublishError> {
    let stage = work.join(STAGE);
    let mut folders = BTreeSet::new();
    for file in &draft.manifest.files {
        let path = file.path.as_path();
        let folder = path.parent().unwrap_or(Path::new(""));
        if folders.insert(folder) {
            durable::are_real_dirs(&stage, folder)?;
            create_folders(out, folder)?;
            after("folder")?;
        }
        place(&stage.join(path), &out.join(path), file, after)?;
        after("file")?;
    }
    for folder in folders {
        durable::sync_dir(&out.join(folder))?;
    }
    after("folders synced")
}

/// Writes the files beside the manifest. They have no meaning without it.
fn write_lists(out: &Path, work: &Path, draft: &Draft, after: AfterStep) -> Result<(), PublishError> {
    create_folders(out, Path::new(&run_file(&draft.manifest, "")))?;
    let mut checksums = String::new();
    let mut list = |sha256: &str, path: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(checksums, "{sha256}  {path}");
    };
    for file in &draft.manifest.files {
        list(&file.sha256, &file.path);
    }
    if let Some(state) = draft.manifest.state.as_ref().map(StateEntry::as_file) {
        let path = state.path.clone();
        place(&work.join(STAGE).join(&path), &out.join(&path), &state, after)?;
        after("state")?;
    }
    if let Some(text) = &draft.failed_csv {
        let path = run_file(&draft.manifest, FAILED);
        durable::replace(&out.join(&path), text.as_bytes())?;
        list(&sha256(text), &path);
        after(FAILED)?;
    }
    if let Some(state) = &draft.manifest.state {
        list(&state.sha256, &state.path);
    }
    durable::replace(&out.join(run_file(&draft.manifest, CHECKSUMS)), checksums.as_bytes())?;
    after(CHECKSUMS)
}

/// Writes the manifest: the commit point.
fn commit(out: &Path, draft: Draft, path: &Path, after: AfterStep) -> Result<Manifest, PublishError> {
    // An unreadable latest.json ends the chain, but not the run. `verify` reports it.
    let latest = match durable::read_below(out, Path::new(LATEST), MAX_LATEST)? {
        Content::Bytes(text) => Latest::parse(&text).ok(),
        Content::Missing | Content::TooLarge(_) => None,
        Content::NotRegular => return Err(durable::not_a_regular_file(&out.join(LATEST)).into()),
    };
    let previous = latest.map(|latest| Previous { run_id: latest.run_id, sha256: latest.sha256 });
    let manifest = Manifest { previous, ..draft.manifest };
    durable::replace(path, manifest.to_json().as_bytes())?;
    after(MANIFEST)?;
    Ok(manifest)
}

fn point_at(out: &Path, manifest: &Manifest) -> Result<(), PublishError> {
    let path = run_file(manifest, MANIFEST);
    let (sha256, _) = sha256_of_file(&out.join(&path))?;
    let latest = Latest { run_id: manifest.run_id.clone(), manifest: path, sha256 };
    Ok(durable::replace(&out.join(LATEST), latest.to_json().as_bytes())?)
}

/// Removes the run's files from the work folder. The journal is last: as long as it exists, the rest is not
/// taken for an unfinished run. The folder itself, which may be the user's (`--work-dir`), is removed only if
/// it is empty.
fn remove_work(work: &Path, after: AfterStep) -> Result<(), PublishError> {
    for name in [STAGE, SPOOL] {
        durable::remove_tree(&work.join(name))?;
        after("work removed")?;
    }
    durable::remove_file(&work.join(LIST))?;
    durable::remove_file(&work.join(RUN))?;
    for name in DECISION {
        durable::remove_file(&work.join(name))?;
    }
    durable::sync_dir(work)?;
    durable::remove_file(&work.join(JOURNAL))?;
    after("journal removed")?;
    durable::remove_dir_if_empty(work);
    Ok(())
}
