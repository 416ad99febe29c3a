//! Moves staged files to the table folders, then writes the manifest, which is the only commit point. Delta logs name
//! the files after it.
//!
//! A journal, `<work>/publish.json`, is written first. From then on each step can be repeated: it does
//! nothing if it is already done. After an interruption at any point [`resume`] ends in the same files. Until
//! the manifest exists, [`withdraw()`] can remove the files from the table folders.
//!
//! All files of a run in the work folder belong to the exporter. The last step removes them.
//!
//! Layer 3: uses `output`, `delta` and `durable`.

mod latest;
mod steps;
#[cfg(test)]
mod store_tests;
#[cfg(test)]
mod tests;
mod withdraw;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::delta::DeltaError;
use crate::durable::{self, StorageError};
use crate::layout;
use crate::lock::LockError;
use crate::output::manifest::{FileEntry, Manifest};
use crate::store::{CompletionError, Store};

pub use steps::AfterStep;
pub use withdraw::withdraw;

/// Name of the journal in the work folder.
pub const JOURNAL: &str = "publish.json";
/// Folder of the staged files in the work folder. It mirrors the output folder.
pub const STAGE: &str = "stage";
/// Folder of the spool in the work folder.
pub const SPOOL: &str = "spool";
/// List of all contacts of the account in the work folder.
pub const LIST: &str = "all-contacts.json";
/// Files in the work folder with the due contacts of an incremental run.
pub const DECISION: [&str; 2] = ["decision.json", "decision.parquet"];
/// File in the work folder with the ID and identity of the run.
pub const RUN: &str = "run.json";

/// A run that is ready to be published. The files that the manifest names are staged under `<work>/stage/`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// The manifest without `previous`, which is set when the manifest is written.
    pub manifest: Manifest,
    /// Staged lists of contacts, in the order of `checksums.sha256`.
    #[serde(default)]
    pub lists: Vec<FileEntry>,
    /// The text of `failed.csv` in a journal of version 0.1.0, which did not stage it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_csv: Option<String>,
}

/// A published run and its manifest.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    /// The manifest as written.
    pub manifest: Manifest,
    /// Path of the manifest.
    pub manifest_path: PathBuf,
}

/// Errors of publishing. [`resume`] continues after the cause is fixed.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The file system reports an error.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Another run has taken over the folder.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A file cannot be made visible.
    #[error(transparent)]
    File(CompletionError),
    /// The run is published, but a Delta log cannot name it.
    #[error("this run is published, but the Delta tables do not have it yet")]
    Delta(#[source] DeltaError),
    /// Another run was published at the same time.
    #[error("this run is published, but {} names another run that was published at the same time: run chatzy-export verify", path.display())]
    Forked {
        /// Path of `latest.json`.
        path: PathBuf,
    },
    /// The journal or a manifest of this run cannot be read.
    #[error("cannot read {} to resume publishing", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl From<CompletionError> for PublishError {
    fn from(error: CompletionError) -> Self {
        match error {
            CompletionError::Storage(error) => Self::Storage(error),
            error => Self::File(error),
        }
    }
}

/// Publishes the staged files. The files and their names must be durable already. `after` is called after
/// each step and checks that this run still holds the lock.
///
/// # Errors
/// When a step fails. [`resume`] continues from there.
pub fn publish(out: &Store, work: &Path, draft: Draft, after: AfterStep) -> Result<Published, PublishError> {
    after("staged")?;
    let path = work.join(JOURNAL);
    let journal =
        serde_json::to_vec(&draft).map_err(|error| StorageError::new("encode", &path, error.into()))?;
    durable::create_dir_all(work)?;
    durable::replace(&path, &journal)?;
    steps::redo(out, work, draft, after)
}

/// Finishes an interrupted [`publish`], if there is one.
///
/// # Errors
/// When a step fails, or the journal cannot be read.
pub fn resume(out: &Store, work: &Path, after: AfterStep) -> Result<Option<Published>, PublishError> {
    match read_journal(work)? {
        Some(draft) => steps::redo(out, work, draft, after).map(Some),
        None => Ok(None),
    }
}

/// Returns the run of an interrupted [`publish`], if there is one.
///
/// # Errors
/// When the journal cannot be read.
pub fn unfinished(work: &Path) -> Result<Option<Draft>, PublishError> {
    read_journal(work)
}

fn read_journal(work: &Path) -> Result<Option<Draft>, PublishError> {
    let path = work.join(JOURNAL);
    let Some(text) = durable::read_if_exists(&path)? else { return Ok(None) };
    match serde_json::from_slice(&text) {
        Ok(draft) => Ok(Some(draft)),
        Err(source) => Err(PublishError::Unreadable { path, source: source.into() }),
    }
}

/// Path of a file in the run's own folder, relative to the output folder.
fn run_file(manifest: &Manifest, name: &str) -> String {
    layout::run_file(&manifest.run_id, name)
}
