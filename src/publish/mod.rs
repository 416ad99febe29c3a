//! Staged files become an export: moved into the table folders, then named by a manifest, the one commit point.
//!
//! A journal, `<work>/publish.json`, is written first. From then on publishing is only doing the same steps again,
//! each of which sees whether it has been done: after a kill at any instant [`resume`] ends in the same tree. Until
//! the manifest is there, [`withdraw()`] can take the files out of the table folders again.
//!
//! The work folder is the exporter's own, with everything in it: the last step removes it.
//!
//! Layer 3: stands on `output` and `durable`.

mod place;
mod steps;
#[cfg(test)]
mod tests;
mod withdraw;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::durable::{self, StorageError};
use crate::layout;
use crate::lock::LockError;
use crate::output::manifest::Manifest;

pub use steps::AfterStep;
pub use withdraw::withdraw;

/// The journal's name in the work folder.
const JOURNAL: &str = "publish.json";
/// The folder of the staged files in the work folder; it mirrors the output folder.
pub const STAGE: &str = "stage";
/// The folder of the spool in the work folder.
pub const SPOOL: &str = "spool";
/// The account's contacts in the work folder, where all of them are exported.
pub const LIST: &str = "all-contacts.json";
/// The files in the work folder that say which contacts of an incremental run are due.
pub const DECISION: [&str; 2] = ["decision.json", "decision.parquet"];
/// The file in the work folder that says which run it is.
pub const RUN: &str = "run.json";

/// What is to be published: the files that the manifest names, which are staged under `<work>/stage/`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// Complete but for `previous`, which is found when it is written.
    pub manifest: Manifest,
    /// The text of `failed.csv`, if contacts have failed.
    pub failed_csv: Option<String>,
}

/// An export that readers see.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    /// The manifest as written.
    pub manifest: Manifest,
    /// Where it stands.
    pub manifest_path: PathBuf,
}

/// Why publishing stopped. Running it again goes on.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The file system refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Another run has taken over the folder.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A file stands where one of the export belongs, and is none of it.
    #[error("cannot publish {}: another file stands there already; move it away and run again", path.display())]
    Foreign {
        /// The path in a table folder.
        path: PathBuf,
    },
    /// A staged file is neither staged nor published, or has another size.
    #[error("cannot publish {}: the staged file is missing or truncated", path.display())]
    Missing {
        /// The path in the stage.
        path: PathBuf,
    },
    /// The journal or a manifest of this run cannot be read.
    #[error("cannot read {} to resume publishing", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Publishes the staged files. All of them, and their names, must be durable already. `after` is called after each step and
/// checks that the folders are still this run's.
///
/// # Errors
/// When a step fails; [`resume`] goes on from there.
pub fn publish(out: &Path, work: &Path, draft: Draft, after: AfterStep) -> Result<Published, PublishError> {
    after("staged")?;
    let path = work.join(JOURNAL);
    let journal =
        serde_json::to_vec(&draft).map_err(|error| StorageError::new("encode", &path, error.into()))?;
    durable::create_dir_all(work)?;
    durable::replace(&path, &journal)?;
    steps::redo(out, work, draft, after)
}

/// Finishes what [`publish`] began, if it did.
///
/// # Errors
/// When a step fails, or the journal cannot be read.
pub fn resume(out: &Path, work: &Path, after: AfterStep) -> Result<Option<Published>, PublishError> {
    match read_journal(work)? {
        Some(draft) => steps::redo(out, work, draft, after).map(Some),
        None => Ok(None),
    }
}

fn read_journal(work: &Path) -> Result<Option<Draft>, PublishError> {
    let path = work.join(JOURNAL);
    let Some(text) = durable::read_if_exists(&path)? else { return Ok(None) };
    match serde_json::from_slice(&text) {
        Ok(draft) => Ok(Some(draft)),
        Err(source) => Err(PublishError::Unreadable { path, source: source.into() }),
    }
}

/// The paths of a run's own files, relative to the output folder.
fn run_file(manifest: &Manifest, name: &str) -> String {
    layout::run_file(&manifest.run_id, name)
}
