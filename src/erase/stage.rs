//! Writes the found files anew, without the rows of the contacts, into a folder on this machine.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::search::{FileKind, FoundFile, FoundRun};
use super::{EraseError, EraseTarget};
use crate::durable::{self, NOT_REGULAR, Opened};
use crate::output::erased::{ErasedFile, ErasedRun, FileState};
use crate::output::manifest::{ContactCounts, RunOptions};
use crate::output::rewrite::{self, RewriteKind};
use crate::output::salted::HashedContacts;
use crate::published;
use crate::state::{self, FileBelow};
use crate::store::Store;

/// Writes all files anew and adds them to the runs of the erasure. The new files are durable.
pub(super) fn stage(
    target: EraseTarget,
    found: &[FoundRun],
    contacts: &mut HashedContacts,
    runs: &mut Vec<ErasedRun>,
) -> Result<(), EraseError> {
    let EraseTarget { out, stage, held } = target;
    clear(stage)?;
    let mut folders = BTreeSet::new();
    for run in found {
        let manifest = &run.run.manifest;
        let mut files = Vec::with_capacity(run.files.len());
        for file in &run.files {
            held()?;
            let path = stage.join(&file.entry.path);
            folders.extend(path.parent().map(Path::to_owned));
            let after = write_new(out, file, &manifest.options, &path, contacts)?;
            files.push(ErasedFile { path: file.entry.path.clone(), before: (&file.entry).into(), after });
        }
        add(runs, run, files);
    }
    for folder in folders.iter().filter(|folder| folder.exists()) {
        durable::sync_dir(folder)?;
    }
    Ok(())
}

/// Adds files to the entry of their run. An entry of an interrupted erasure has the counts already.
fn add(runs: &mut Vec<ErasedRun>, found: &FoundRun, files: Vec<ErasedFile>) {
    let (run_id, manifest_sha256) = (found.run.manifest.run_id.clone(), found.run.sha256.clone());
    let is_it = |run: &&mut ErasedRun| run.run_id == run_id && run.manifest_sha256 == manifest_sha256;
    match runs.iter_mut().find(is_it) {
        Some(run) => {
            if run.contacts == ContactCounts::default() {
                run.contacts = found.contacts;
            }
            run.files.extend(files);
        }
        None => runs.push(ErasedRun { run_id, manifest_sha256, contacts: found.contacts, files }),
    }
}

/// Writes a file anew. If it cannot be synced, it is written once more.
fn write_new(
    out: &Store,
    file: &FoundFile,
    options: &RunOptions,
    path: &Path,
    contacts: &mut HashedContacts,
) -> Result<Option<FileState>, EraseError> {
    if let Some(folder) = path.parent() {
        durable::create_dir_all(folder)?;
    }
    let kind = match file.kind {
        FileKind::State => {
            let state = FileBelow { base: out.clone(), relative: file.entry.path.as_path().to_owned() };
            let is_left_out = RefCell::new(|id: &str| contacts.contains(id));
            let written = state::rewrite(&state, path, &is_left_out)?;
            let state::WrittenFile { rows, bytes, sha256 } = written;
            return Ok(Some(FileState { sha256, bytes, rows, min_created_at: None, max_created_at: None }));
        }
        FileKind::Rows(kind) => kind,
    };
    let source = out.join(&file.entry.path);
    let mut write = || {
        let opened = open(out, file, kind)?;
        let written = rewrite::rewrite(opened, kind, options, path, &mut |id| contacts.contains(id));
        match written {
            Err(error) if error.is_failed_sync() => Ok(Err(error)),
            other => other.map(Ok).map_err(|error| EraseError::of_rewrite(&source, error)),
        }
    };
    match write()? {
        Ok(written) => Ok(written),
        Err(_) => write()?.map_err(|error| EraseError::of_rewrite(&source, error)),
    }
}

fn open(out: &Store, file: &FoundFile, kind: RewriteKind) -> Result<std::fs::File, EraseError> {
    if kind != RewriteKind::List {
        return Ok(published::open(out, &file.entry)?);
    }
    match out.open(&file.entry.path)? {
        Opened::File(opened, _) => Ok(opened),
        Opened::Missing | Opened::NotRegular => {
            Err(EraseError::damaged(&out.join(&file.entry.path), NOT_REGULAR))
        }
    }
}

/// Removes staged files, also those of an interrupted erasure.
pub(super) fn clear(stage: &Path) -> Result<(), EraseError> {
    let exists: PathBuf = stage.to_owned();
    if durable::is_real_dir(&exists)? {
        durable::remove_tree(stage)?;
    }
    Ok(())
}
