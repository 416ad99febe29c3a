//! Files that are ready to be published, and the errors of publishing them.

use std::path::{Path, PathBuf};

use crate::durable::StorageError;

/// File in the work folder with the unfinished uploads of a run.
pub const UPLOADS: &str = "uploads.jsonl";

/// A file in the staging folder that is to be published. Its content is durable.
#[derive(Clone, Copy, Debug)]
pub struct StagedFile<'a> {
    /// Path in the staging folder, and below the location.
    pub path: &'a Path,
    /// Size of the file.
    pub bytes: u64,
    /// SHA-256 of the file, as hexadecimal digits.
    pub sha256: &'a str,
}

/// Folders of an unfinished publication on this machine.
#[derive(Clone, Copy, Debug)]
pub struct StagingFolder<'a> {
    /// Folder of the staged files. It mirrors the location.
    pub stage: &'a Path,
    /// Folder for the records of the publication.
    pub work: &'a Path,
}

/// Called with the name of a step that is done. An error stops the work there.
pub type Between<'a> = &'a mut dyn FnMut(&str) -> Result<(), Stopped>;

/// The caller stopped the work between two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

/// Errors of publishing a file.
#[derive(Debug, thiserror::Error)]
pub enum CompletionError {
    /// The file system or the object store reports an error.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Another file has the path.
    #[error("cannot publish {}: another file with this path exists; move it away and run again", path.display())]
    Foreign {
        /// Path of the file.
        path: PathBuf,
    },
    /// The file is neither staged nor published, or has the wrong size.
    #[error("cannot publish {}: the staged file is missing or truncated", path.display())]
    Missing {
        /// Path in the staging folder.
        path: PathBuf,
    },
    /// The caller stopped the work.
    #[error("stopped")]
    Stopped,
}

impl From<Stopped> for CompletionError {
    fn from(Stopped: Stopped) -> Self {
        Self::Stopped
    }
}
