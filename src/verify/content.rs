//! Reads the small files of an export in bounded memory: regular files below it, and nothing that a link leads to.

use std::path::Path;

use super::DamageKind;
use crate::catalog::{MAX_LATEST, MAX_MANIFEST, MAX_PRUNED};
use crate::durable::{self, StorageError};
use crate::output::pruned::PRUNED;

/// Where the newest run is named.
pub(super) const LATEST: &str = crate::catalog::LATEST;

/// What stands where a file should.
pub(super) enum Content<T = Vec<u8>> {
    Plain(T),
    Nothing,
    /// Something that is not read: a symbolic link, also on the way to it, another kind of file, or too large a one.
    Unfit(DamageKind, String),
}

impl<T> Content<T> {
    /// The content without its text.
    pub(super) fn without_text(&self) -> Content<()> {
        match self {
            Self::Plain(_) => Content::Plain(()),
            Self::Nothing => Content::Nothing,
            Self::Unfit(kind, detail) => Content::Unfit(*kind, detail.clone()),
        }
    }
}

/// Reads a file below `out` that may be missing. Neither it nor a folder on the way may be a symbolic link.
pub(super) fn read_content(out: &Path, relative: &str) -> Result<Content, StorageError> {
    let limit = match relative {
        LATEST => MAX_LATEST,
        PRUNED => MAX_PRUNED,
        // A manifest, or a list of what it names.
        _ => MAX_MANIFEST,
    };
    Ok(match durable::read_below(out, Path::new(relative), limit)? {
        durable::Content::Bytes(text) => Content::Plain(text),
        durable::Content::Missing => Content::Nothing,
        durable::Content::NotRegular => Content::Unfit(DamageKind::UnsafePath, NO_PLAIN_FILE.to_owned()),
        durable::Content::TooLarge(limit) => {
            Content::Unfit(DamageKind::Unreadable, durable::too_large(limit))
        }
    })
}

/// Description of what is no regular file.
pub(super) const NO_PLAIN_FILE: &str = durable::NOT_REGULAR;

pub(super) fn manifest_path(id: &str) -> String {
    format!("_runs/{id}/manifest.json")
}

/// The manifest of a run that is being pruned.
pub(super) fn leaving_path(id: &str) -> String {
    format!("_runs/{id}/{}", crate::output::pruned::LEAVING)
}

pub(super) fn checksums_path(id: &str) -> String {
    format!("_runs/{id}/checksums.sha256")
}

pub(super) fn failed_path(id: &str) -> String {
    format!("_runs/{id}/failed.csv")
}

pub(super) fn state_path(id: &str) -> String {
    format!("_runs/{id}/state.parquet")
}
