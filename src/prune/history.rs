//! The runs of an export as the chain of their manifests proves them, the newest first.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Left, PruneError};
use crate::digest::sha256;
use crate::durable::{self, StorageError};
use crate::output::manifest::{Latest, Manifest, Previous};
use crate::output::pruned::{PRUNED, PrunedRuns};

/// Said of what lies behind a break.
const BROKEN: &str = "the chain of manifests breaks here, so this run and those before it are left as they are; `verify` tells more";

/// A run whose manifest is the one that was written.
#[derive(Clone, Debug)]
pub(super) struct KnownRun {
    pub(super) manifest: Manifest,
    /// Of its manifest.
    pub(super) sha256: String,
    /// The file that the next increment goes by, if it has one.
    pub(super) state: Option<String>,
    /// Contacts whose rows are in runs before it.
    pub(super) unchanged: u64,
}

/// The runs that are there, and those that were.
pub(super) struct History {
    pub(super) runs: Vec<KnownRun>,
    pub(super) record: PrunedRuns,
    /// Where the chain breaks, if it does: what lies behind is left alone.
    pub(super) left: Vec<Left>,
    /// All runs in the order of the chain, by the hashes of their manifests.
    order: Vec<String>,
}

impl KnownRun {
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let manifest = Manifest::parse(text).map_err(|error| error.to_string())?;
        let state = manifest.state.as_ref().map(|state| state.path.clone());
        let unchanged = manifest.contacts.unchanged;
        Ok(Self { manifest, sha256: sha256(text), state, unchanged })
    }
}

/// Follows the chain.
pub(super) fn read(out: &Path) -> Result<History, PruneError> {
    let no_export = || PruneError::NoExport { path: out.to_owned() };
    if !out.is_dir() || !durable::is_real_dir(&out.join("_runs"))? {
        return Err(no_export());
    }
    let path = out.join("_runs/latest.json");
    let damaged = |path: &Path, what: String| PruneError::Damaged { path: path.to_owned(), what };
    let text = durable::read_if_there(&path)?.ok_or_else(no_export)?;
    let latest = Latest::parse(&text).map_err(|error| damaged(&path, error.to_string()))?;
    let record = read_record(out)?;
    let mut history = History { runs: Vec::new(), record, left: Vec::new(), order: Vec::new() };
    let mut seen = BTreeSet::new();
    let mut next = Some(Previous { run_id: latest.run_id, sha256: latest.sha256 });
    while let Some(Previous { run_id, sha256 }) = next.take() {
        if !seen.insert(sha256.clone()) {
            break; // a record that was edited may lead in a circle
        }
        let relative = format!("_runs/{run_id}/manifest.json");
        let known = read_run(out, &relative)?;
        let is_newest = history.order.is_empty();
        match known {
            Some(Ok(run)) if run.sha256 == sha256 => {
                next.clone_from(&run.manifest.previous);
                history.runs.push(run);
            }
            Some(found) if is_newest => {
                let what =
                    found.err().unwrap_or_else(|| "its SHA-256 is not the one in latest.json".to_owned());
                return Err(damaged(&out.join(&relative), what));
            }
            None if is_newest => {
                return Err(damaged(&out.join(&relative), "it is missing".to_owned()));
            }
            _ => {
                let Some(pruned) = history.record.find(run_id.as_str(), &sha256) else {
                    history.left.push(Left { path: relative, reason: BROKEN.to_owned() });
                    break;
                };
                next.clone_from(&pruned.previous);
            }
        }
        history.order.push(sha256);
    }
    Ok(history)
}

fn read_run(out: &Path, relative: &str) -> Result<Option<Result<KnownRun, String>>, StorageError> {
    let path = PathBuf::from(relative);
    if !durable::are_real_dirs(out, path.parent().unwrap_or(Path::new("")))? {
        return Ok(None);
    }
    Ok(durable::read_if_there(&out.join(path))?.map(|text| KnownRun::parse(&text)))
}

fn read_record(out: &Path) -> Result<PrunedRuns, PruneError> {
    let path = out.join(PRUNED);
    let Some(text) = durable::read_if_there(&path)? else { return Ok(PrunedRuns::default()) };
    PrunedRuns::parse(&text).map_err(|error| PruneError::Damaged { path, what: error.to_string() })
}

impl History {
    /// Brings the record down to what the chain needs: the runs between those that stay, and the first behind them.
    pub(super) fn compact(&mut self, out: &Path) -> Result<(), PruneError> {
        let record = read_record(out)?;
        let stays = |sha256: &String| self.runs.iter().any(|run| run.sha256 == *sha256);
        let Some(last) = self.order.iter().rposition(stays) else { return Ok(()) };
        let mut needed = PrunedRuns::default();
        for (at, sha256) in self.order.iter().enumerate().take(last + 2) {
            if stays(sha256) {
                continue;
            }
            let Some(run) = record.pruned.iter().find(|run| run.sha256 == *sha256) else { continue };
            let mut run = run.clone();
            if at > last {
                run.previous = None;
            }
            needed.pruned.push(run);
        }
        // Where the chain breaks nobody knows what lies behind.
        if self.left.is_empty() && needed != record {
            durable::replace(&out.join(PRUNED), needed.to_json().as_bytes())?;
        }
        Ok(())
    }
}
