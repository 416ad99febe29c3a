//! The end of a shard: its files and its manifest go to `commit`.
//!
//! The spool and the staged files stay until the manifest of the shard exists. After an interruption the command builds
//! the files again, and repeats these steps.

use std::path::{Path, PathBuf};

use super::finished::FinishedShard;
use crate::catalog::shard_manifest_path;
use crate::durable::{self, StorageError};
use crate::event::{Event, SharedObserver};
use crate::export::ExportError;
use crate::export::work_folder::{Run, WorkFolder};
use crate::id::{RunId, Shard};
use crate::layout::{MANIFEST, SHARDS, run_file, shard_files, shard_manifests};
use crate::lock::Lock;
use crate::output::manifest::FileEntry;
use crate::publish::{Draft, Published};
use crate::store::{Created, Kind, StagedFile, StagingFolder, Stopped, Store, UPLOADS};

/// Name of the manifest of a shard in the folder of its attempt, before it gets its name among those of all shards.
const OWN_MANIFEST: &str = "shard.json";

/// Hands the staged files over to `commit`, unless another attempt was first. Blocks the thread.
pub fn hand_over(
    work: &WorkFolder,
    run: &Run,
    draft: Draft,
    lock: &Lock,
    observer: &SharedObserver,
) -> Result<Published, ExportError> {
    let (Some(shard), Some(attempt)) = (run.identity.shard, run.attempt.clone()) else {
        return Err(ExportError::Bug("an attempt of no shard"));
    };
    let (out, run_id, stage) = (work.store(), &run.run_id, work.stage());
    let from = StagingFolder { stage: &stage, work: &work.folder };
    out.prepare(shard_manifests(run_id))?;
    let folder = attempt_folder(out, run_id, &attempt);
    let data: Vec<_> = draft.manifest.files.iter().map(staged).collect();
    let lists: Vec<_> = draft.lists.iter().map(staged).collect();
    let mut uploads = String::new();
    if let Some(folder) = &folder {
        out.prepare(shard_files(run_id))?;
        // Files of an earlier end of this attempt, which was interrupted.
        durable::remove_tree(folder)?;
        durable::create_dir_all(folder)?;
        move_files(from, folder, &[&*data, &*lists].concat(), lock)?;
    } else {
        out.upload(from, &data)?;
        lock.check()?;
        for list in &lists {
            let text = durable::read_if_exists(&stage.join(list.path))?.unwrap_or_default();
            out.write(list_path(run_id, &attempt, list.path), &text)?;
        }
        let log = durable::read_if_exists(&work.folder.join(UPLOADS))?.unwrap_or_default();
        uploads = String::from_utf8_lossy(&log).into_owned();
    }
    let finished = FinishedShard { attempt: attempt.clone(), identity: run.identity.clone(), draft, uploads };
    let is_first = create_manifest(out, folder.as_deref(), (run_id, shard), &finished)?;
    let counts = is_first && keeps_manifest(out, run_id, shard)?;
    if !counts {
        let message =
            format!("another attempt of shard {shard} was first: the files of this one are removed");
        observer.event(Event::Note { message });
    }
    discard_attempt(work, run_id, shard, counts.then_some(&*attempt))?;
    let manifest_path = out.join(shard_manifest_path(run_id, shard));
    Ok(Published { manifest: finished.draft.manifest, manifest_path })
}

/// Moves the files to another folder, durably and also between file systems. May be repeated.
pub(super) fn move_files(
    from: StagingFolder,
    folder: &Path,
    files: &[StagedFile],
    lock: &Lock,
) -> Result<(), ExportError> {
    let mut failure = None;
    let moved = Store::local(folder).complete(from, files, &mut |_| {
        lock.check().map_err(|error| {
            failure = Some(error);
            Stopped
        })
    });
    match failure {
        Some(error) => Err(error.into()),
        None => Ok(moved?),
    }
}

pub(super) fn staged(file: &FileEntry) -> StagedFile<'_> {
    StagedFile { path: file.path.as_path(), bytes: file.bytes, sha256: &file.sha256 }
}

/// Folder of an attempt's files on this machine; none in an object store.
pub(super) fn attempt_folder(out: &Store, run_id: &RunId, attempt: &str) -> Option<PathBuf> {
    out.folder().map(|folder| folder.join(shard_files(run_id)).join(attempt))
}

/// Path of a list of contacts of an attempt.
pub(super) fn list_path(run_id: &RunId, attempt: &str, list: &Path) -> PathBuf {
    Path::new(&shard_files(run_id)).join(attempt).join(list)
}

/// Creates the manifest of the shard. Returns false if there is one.
fn create_manifest(
    out: &Store,
    folder: Option<&Path>,
    (run_id, shard): (&RunId, Shard),
    finished: &FinishedShard,
) -> Result<bool, ExportError> {
    let path = shard_manifest_path(run_id, shard);
    let text = serde_json::to_vec_pretty(finished)
        .map_err(|error| StorageError::new("encode", &out.join(&path), error.into()))?;
    match (out.folder(), folder) {
        (Some(root), Some(folder)) => {
            let own = folder.join(OWN_MANIFEST);
            durable::replace(&own, &text)?;
            durable::create_dir_all(&root.join(shard_manifests(run_id)))?;
            Ok(durable::name_first(&own, &root.join(&path))?)
        }
        _ => Ok(out.create(&path, &text)? == Created::Written),
    }
}

/// Removes the manifest of the shard again if the run is published by now: `commit` did not know it.
fn keeps_manifest(out: &Store, run_id: &RunId, shard: Shard) -> Result<bool, ExportError> {
    let is_published = out.kind(run_file(run_id, MANIFEST))? != Kind::Missing;
    if is_published {
        out.remove(&[Path::new(&shard_manifest_path(run_id, shard))])?;
    }
    Ok(!is_published)
}

/// Removes the attempt in the work folder. Its files stay if it is the one that `counts`.
pub(super) fn discard_attempt(
    work: &WorkFolder,
    run_id: &RunId,
    shard: Shard,
    counts: Option<&str>,
) -> Result<(), ExportError> {
    let is_it = |run: &Run| run.run_id == *run_id && run.identity.shard == Some(shard);
    let Some(run) = work.unfinished()?.filter(is_it) else { return Ok(()) };
    let attempt = run.attempt.unwrap_or_default();
    if counts == Some(&*attempt) {
        // `commit` completes the uploads. Without this file they are not removed here.
        durable::remove_file(&work.folder.join(UPLOADS))?;
    } else if let Some(folder) = attempt_folder(work.store(), run_id, &attempt) {
        durable::remove_tree(&folder)?;
    } else {
        let files = work.store().list(&format!("{}/{attempt}", shard_files(run_id)))?;
        let paths: Vec<_> = files.iter().map(|found| Path::new(&found.path)).collect();
        work.store().remove(&paths)?;
    }
    work.remove_run()
}

/// Removes the default work folder of a shard, and the folders around it, if they are empty.
pub fn remove_empty_folders(out: &Store, work: &Path) {
    let Some(shards) = out.folder().map(|folder| folder.join(SHARDS)) else { return };
    for folder in work.ancestors().take_while(|folder| folder.starts_with(&shards)) {
        durable::remove_dir_if_empty(folder);
    }
}
