//! Opens a data file that a manifest names.

use std::fs::File;
use std::io::{Seek, SeekFrom};

use super::ReadError;
use crate::digest::sha256_of_open;
use crate::durable::{NOT_REGULAR, OnPath, Opened};
use crate::output::manifest::FileEntry;
use crate::store::Store;

/// Opens a file of an export. It must be a regular file of the recorded size. Symbolic links are not
/// followed, and named pipes do not block.
///
/// # Errors
/// If the path is something else, or a file operation fails.
pub fn open(out: &Store, file: &FileEntry) -> Result<File, ReadError> {
    let damaged = |what: &str| ReadError::damaged(&out.join(&file.path), what);
    match out.open(file.path.as_path())? {
        Opened::File(opened, size) if size == file.bytes => Ok(opened),
        Opened::File(_, size) => Err(damaged(&format!("it has {size} bytes, expected {}", file.bytes))),
        Opened::Missing => Err(damaged("it is missing")),
        Opened::NotRegular => Err(damaged(NOT_REGULAR)),
    }
}

/// Opens a file like [`open`], and compares its SHA-256 with the recorded one before anything else is read.
///
/// # Errors
/// As [`open`], and if the content of the file has changed.
pub(super) fn open_unchanged(out: &Store, file: &FileEntry) -> Result<File, ReadError> {
    let path = out.join(&file.path);
    let mut opened = open(out, file)?;
    let hashed = opened.try_clone().on("read", &path)?;
    let (sha256, _) = sha256_of_open(hashed, file.bytes).on("read", &path)?;
    if sha256 != file.sha256 {
        let what = format!("its SHA-256 is {sha256}, but the manifest has {}", file.sha256);
        return Err(ReadError::damaged(&path, what));
    }
    // Both descriptors share one position.
    opened.seek(SeekFrom::Start(0)).on("read", &path)?;
    Ok(opened)
}
