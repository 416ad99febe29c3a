//! Reads the small files of an export in bounded memory. It reads regular files only and follows no symbolic
//! links.

use super::DamageKind;
use crate::catalog::{MAX_ERASED, MAX_HOLDS, MAX_LATEST, MAX_MANIFEST, MAX_PRUNED};
use crate::durable::{self, StorageError};
use crate::layout::{self, ERASED, HOLDS, PRUNED};
use crate::store::Store;

/// Path of the file that names the newest run.
pub(super) use crate::layout::LATEST;

/// Paths of the files of a run that are not data files.
pub(super) const RUN_FILES: [fn(&str) -> String; 5] =
    [manifest_path, checksums_path, failed_path, not_found_path, state_path];

/// Content of a small file.
pub(super) enum Content<T = Vec<u8>> {
    Plain(T),
    Missing,
    /// The file was rejected: a symbolic link in the path, another kind of file, or too large.
    Rejected(DamageKind, String),
}

impl<T> Content<T> {
    /// Returns the content without its text.
    pub(super) fn without_text(&self) -> Content<()> {
        match self {
            Self::Plain(_) => Content::Plain(()),
            Self::Missing => Content::Missing,
            Self::Rejected(kind, detail) => Content::Rejected(*kind, detail.clone()),
        }
    }
}

/// Reads a file below `out` that may be missing. Neither the file nor a folder in its path may be a symbolic
/// link.
pub(super) fn read_content(out: &Store, relative: &str) -> Result<Content, StorageError> {
    let limit = match relative {
        LATEST => MAX_LATEST,
        PRUNED => MAX_PRUNED,
        ERASED => MAX_ERASED,
        HOLDS => MAX_HOLDS,
        // A manifest, or a list of its files.
        _ => MAX_MANIFEST,
    };
    Ok(match out.read(relative, limit)? {
        durable::Content::Bytes(text) => Content::Plain(text),
        durable::Content::Missing => Content::Missing,
        durable::Content::NotRegular => Content::Rejected(DamageKind::UnsafePath, NOT_REGULAR.to_owned()),
        durable::Content::TooLarge(limit) => {
            Content::Rejected(DamageKind::Unreadable, durable::too_large(limit))
        }
    })
}

/// Text that describes a path that is not a regular file.
pub(super) const NOT_REGULAR: &str = durable::NOT_REGULAR;

pub(super) fn manifest_path(id: &str) -> String {
    layout::run_file(id, layout::MANIFEST)
}

/// Path of the manifest of a run that is being pruned.
pub(super) fn pruned_manifest_path(id: &str) -> String {
    layout::run_file(id, layout::PRUNED_MANIFEST)
}

pub(super) fn checksums_path(id: &str) -> String {
    layout::run_file(id, layout::CHECKSUMS)
}

pub(super) fn failed_path(id: &str) -> String {
    layout::run_file(id, layout::FAILED)
}

pub(super) fn not_found_path(id: &str) -> String {
    layout::run_file(id, layout::NOT_FOUND)
}

pub(super) fn state_path(id: &str) -> String {
    layout::run_file(id, layout::STATE)
}
