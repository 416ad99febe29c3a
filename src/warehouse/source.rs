//! The export that a script is written for.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::is_jsonl;
use crate::durable::{StorageError, read_if_there};
use crate::id::RunId;
use crate::output::manifest::{Manifest, ManifestError};

/// An export and the runs in it.
pub struct ExportSource {
    /// Its folder, as the database will be told.
    pub(super) path: String,
    /// Only this run.
    pub(super) run: Option<RunId>,
    /// The manifests of its runs, the oldest first.
    pub(super) manifests: Vec<Manifest>,
}

/// Why no script can be written for an export.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Nothing was published there.
    #[error("{path} holds no run; name the folder that was given to run --out")]
    NoRun {
        /// The folder.
        path: String,
    },
    /// Not this one.
    #[error("{path} holds no run {run}")]
    NoSuchRun {
        /// The folder.
        path: String,
        /// The run.
        run: RunId,
    },
    /// A name that cannot stand in a script.
    #[error("the path of the export has line ends or is not UTF-8; give it another name")]
    BadPath,
    /// A manifest is damaged.
    #[error("the run {run} is damaged; see chatzy-export verify")]
    Manifest {
        /// The run.
        run: String,
        /// How.
        #[source]
        source: ManifestError,
    },
    /// It cannot be read.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Parquet, where lines are needed.
    #[error(
        "the run {run} is Parquet, which PostgreSQL cannot read: export with --format jsonl, or name another run with --run"
    )]
    NotJsonl {
        /// The run.
        run: RunId,
    },
    /// The channel is not in the files.
    #[error(
        "the run {run} is partitioned by channel, which is then not in its lines: export without it, or name another run with --run"
    )]
    ByChannel {
        /// The run.
        run: RunId,
    },
}

impl ExportSource {
    /// Reads the manifests of the export at `path`.
    ///
    /// # Errors
    /// When there is none, or one is damaged.
    pub fn read(path: &Path, run: Option<RunId>) -> Result<Self, SourceError> {
        let text = path.to_str().filter(|text| !text.contains(char::is_control));
        let text = text.ok_or(SourceError::BadPath)?.to_owned();
        let mut manifests = Vec::new();
        for id in run_ids(path)? {
            if run.as_ref().is_some_and(|run| run.as_str() != id) {
                continue;
            }
            if let Some(bytes) = read_if_there(&path.join("_runs").join(&id).join("manifest.json"))? {
                let parsed = Manifest::parse(&bytes);
                manifests.push(parsed.map_err(|source| SourceError::Manifest { run: id, source })?);
            }
        }
        manifests.sort_by(|one, other| one.finished_at.cmp(&other.finished_at));
        match (manifests.is_empty(), run) {
            (true, Some(run)) => Err(SourceError::NoSuchRun { path: text, run }),
            (true, None) => Err(SourceError::NoRun { path: text }),
            (false, run) => Ok(Self { path: text, run, manifests }),
        }
    }

    /// As it is, if `psql` can copy its files.
    ///
    /// # Errors
    /// When a run is Parquet, or has its channels in its paths only.
    pub fn as_lines(self) -> Result<Self, SourceError> {
        for manifest in &self.manifests {
            let run = || manifest.run_id.clone();
            if !is_jsonl(manifest) {
                return Err(SourceError::NotJsonl { run: run() });
            }
            let is_by_channel = |(key, _): &(String, Option<String>)| key == "channel";
            if manifest.files.iter().any(|file| file.partition.iter().any(is_by_channel)) {
                return Err(SourceError::ByChannel { run: run() });
            }
        }
        Ok(self)
    }
}

fn run_ids(path: &Path) -> Result<Vec<String>, SourceError> {
    let runs = path.join("_runs");
    let entries = match fs::read_dir(&runs) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StorageError::new("read the folder", &runs, error).into()),
    };
    let mut ids = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| StorageError::new("read the folder", &runs, error))?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            ids.extend(entry.file_name().into_string().ok());
        }
    }
    Ok(ids)
}
