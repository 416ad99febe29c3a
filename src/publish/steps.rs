//! The steps of publishing, in order. Each may be done already.

use std::fmt::Write;
use std::path::Path;

use super::latest;
use super::{DECISION, Draft, JOURNAL, LIST, PublishError, Published, RUN, SPOOL, STAGE, run_file};
use crate::catalog::MAX_MANIFEST;
use crate::delta;
use crate::digest::sha256;
use crate::durable::{self, Content};
use crate::layout::{CHECKSUMS, FAILED, MANIFEST};
use crate::output::manifest::{FileEntry, Manifest, ManifestError, StateEntry};
use crate::store::{CompletionError, Created, StagedFile, StagingFolder, Stopped, Store, UPLOADS};

/// Called with the name of the step that is done. An error stops the publication there.
pub type AfterStep<'a> = &'a mut dyn FnMut(&str) -> Result<(), PublishError>;

/// Does the remaining steps.
pub(super) fn redo(
    out: &Store,
    work: &Path,
    draft: Draft,
    after: AfterStep,
) -> Result<Published, PublishError> {
    after("journal")?;
    out.prepare(run_file(&draft.manifest, ""))?;
    let path = run_file(&draft.manifest, MANIFEST);
    let manifest_path = out.join(&path);
    let (manifest, sha256) = match out.read(&path, MAX_MANIFEST)? {
        Content::Bytes(text) => {
            let torn = |source: ManifestError| PublishError::Unreadable {
                path: manifest_path.clone(),
                source: source.into(),
            };
            (Manifest::parse(&text).map_err(torn)?, sha256(&text))
        }
        Content::NotRegular | Content::TooLarge(_) => {
            return Err(durable::not_a_regular_file(&manifest_path).into());
        }
        Content::Missing => {
            publish_files(out, work, &draft, after)?;
            commit(out, draft, &path, after)?
        }
    };
    let named = latest::point_at(out, &manifest, sha256);
    if let Err(PublishError::Forked { .. }) = named {
        // The run is published. A repetition would change nothing.
        remove_work(work, after)?;
    }
    named?;
    after("latest")?;
    if manifest.options.is_delta() {
        delta::sync(out, &[]).map_err(PublishError::Delta)?;
        after("Delta logs")?;
    }
    remove_work(work, after)?;
    Ok(Published { manifest, manifest_path })
}

/// Publishes the data files, then the files beside the manifest. They have no meaning without it.
fn publish_files(out: &Store, work: &Path, draft: &Draft, after: AfterStep) -> Result<(), PublishError> {
    let stage = work.join(STAGE);
    let from = StagingFolder { stage: &stage, work };
    let state_file = draft.manifest.state.as_ref().map(StateEntry::as_file);
    let data: Vec<_> = draft.manifest.files.iter().map(staged).collect();
    let lists: Vec<_> = state_file.iter().chain(&draft.lists).map(staged).collect();
    out.upload(from, &[&*data, &*lists].concat())?;
    for files in [data, lists] {
        let mut failure = None;
        let placed = out.complete(from, &files, &mut |step| {
            after(step).map_err(|error| {
                failure = Some(error);
                Stopped
            })
        });
        match (placed, failure) {
            (_, Some(error)) => return Err(error),
            (placed, None) => placed?,
        }
    }
    write_checksums(out, draft, after)
}

pub(super) fn staged(file: &FileEntry) -> StagedFile<'_> {
    StagedFile { path: file.path.as_path(), bytes: file.bytes, sha256: &file.sha256 }
}

fn write_checksums(out: &Store, draft: &Draft, after: AfterStep) -> Result<(), PublishError> {
    let mut checksums = String::new();
    let mut list = |sha256: &str, path: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(checksums, "{sha256}  {path}");
    };
    for file in &draft.manifest.files {
        list(&file.sha256, &file.path);
    }
    if let Some(text) = &draft.failed_csv {
        let path = run_file(&draft.manifest, FAILED);
        out.write(&path, text.as_bytes())?;
        list(&sha256(text), &path);
        after(FAILED)?;
    }
    let state = draft.manifest.state.as_ref().map(StateEntry::as_file);
    for file in draft.lists.iter().chain(&state) {
        list(&file.sha256, &file.path);
    }
    out.write(run_file(&draft.manifest, CHECKSUMS), checksums.as_bytes())?;
    after(CHECKSUMS)
}

/// Creates the manifest: the commit point. Returns its SHA-256, too.
fn commit(
    out: &Store,
    draft: Draft,
    path: &str,
    after: AfterStep,
) -> Result<(Manifest, String), PublishError> {
    let previous = latest::newest(out, &draft.manifest.run_id)?;
    let manifest = Manifest { previous, ..draft.manifest };
    let text = manifest.to_json();
    match out.create(path, text.as_bytes())? {
        Created::Written => {}
        Created::Foreign => return Err(CompletionError::Foreign { path: out.join(path) }.into()),
    }
    after(MANIFEST)?;
    Ok((manifest, sha256(text)))
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
    durable::remove_file(&work.join(UPLOADS))?;
    for name in DECISION {
        durable::remove_file(&work.join(name))?;
    }
    durable::sync_dir(work)?;
    durable::remove_file(&work.join(JOURNAL))?;
    after("journal removed")?;
    durable::remove_dir_if_empty(work);
    Ok(())
}
