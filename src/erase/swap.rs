//! Replaces the files of an erasure, and the lists of checksums of their runs. Each step may be done already.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{EraseError, EraseTarget, ErasedRunFacts};
use crate::catalog::{self, MAX_MANIFEST};
use crate::durable::Content;
use crate::layout::{self, CHECKSUMS};
use crate::output::erased::{ErasedFile, ErasedRun, FileState};
use crate::store::{StagedFile, StagingFolder};

/// Replaces the files of all runs.
pub(super) fn swap(target: EraseTarget, runs: &[ErasedRun]) -> Result<(), EraseError> {
    for run in runs {
        (target.held)()?;
        replace_files(target, run)?;
        write_checksums(target, run)?;
    }
    Ok(())
}

fn replace_files(target: EraseTarget, run: &ErasedRun) -> Result<(), EraseError> {
    let EraseTarget { out, stage, .. } = target;
    let mut left = Vec::new();
    for file in &run.files {
        if !catalog::is_replaced(out, file)? {
            left.push(file);
        }
    }
    let (replaced, removed): (Vec<&ErasedFile>, Vec<_>) =
        left.into_iter().partition(|file| file.after.is_some());
    let staged = |file: &&ErasedFile| {
        let FileState { bytes, sha256, .. } = file.after.as_ref()?;
        let path = file.path.as_path();
        // The record lives as long as the staged files.
        Some((path.to_owned(), *bytes, sha256.clone()))
    };
    let staged: Vec<_> = replaced.iter().filter_map(staged).collect();
    let files: Vec<StagedFile<'_>> =
        staged.iter().map(|(path, bytes, sha256)| StagedFile { path, bytes: *bytes, sha256 }).collect();
    out.overwrite(StagingFolder { stage, work: stage }, &files)?;
    let paths: Vec<&Path> = removed.iter().map(|file| file.path.as_path()).collect();
    out.remove(&paths)?;
    let folders: BTreeSet<&Path> = paths
        .iter()
        .flat_map(|path| path.ancestors().skip(1))
        .filter(|path| *path != Path::new(""))
        .collect();
    if folders.is_empty() { Ok(()) } else { Ok(out.remove_empty_folders(&folders)?) }
}

/// Changes the lines of replaced files, and removes those of removed ones.
fn write_checksums(target: EraseTarget, run: &ErasedRun) -> Result<(), EraseError> {
    let EraseTarget { out, .. } = target;
    let path = layout::run_file(&run.run_id, CHECKSUMS);
    let damaged = |what: &str| EraseError::damaged(&out.join(&path), what);
    let text = match out.read(&path, MAX_MANIFEST)? {
        Content::Bytes(text) => String::from_utf8(text).map_err(|_| damaged("it is not text"))?,
        Content::Missing => return Err(damaged("it is missing")),
        Content::NotRegular | Content::TooLarge(_) => return Err(damaged("it is not readable")),
    };
    let changed: BTreeMap<&str, Option<&FileState>> =
        run.files.iter().map(|file| (file.path.as_str(), file.after.as_ref())).collect();
    let mut new = String::with_capacity(text.len());
    for line in text.lines() {
        let (sha256, file) = line.split_once("  ").ok_or_else(|| damaged("a line has another form"))?;
        let sha256 = match changed.get(file) {
            None => sha256,
            Some(Some(after)) => after.sha256.as_str(),
            Some(None) => continue,
        };
        new.extend([sha256, "  ", file, "\n"]);
    }
    if new != text {
        out.write(&path, new.as_bytes())?;
    }
    Ok(())
}

/// Describes what was erased from a run.
pub(super) fn facts(run: &ErasedRun) -> ErasedRunFacts {
    let mut facts = ErasedRunFacts {
        run_id: run.run_id.to_string(),
        contacts: run.contacts.requested,
        rows: BTreeMap::new(),
        replaced: 0,
        removed: 0,
    };
    for file in &run.files {
        let after = file.after.as_ref().map_or(0, |after| after.rows);
        *facts.rows.entry(file.path.top().to_owned()).or_default() += file.before.rows.saturating_sub(after);
        *(if file.after.is_some() { &mut facts.replaced } else { &mut facts.removed }) += 1;
    }
    facts
}
