//! Moves one staged file to its final name, never over a file that is not ours.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::PublishError;
use super::steps::AfterStep;
use crate::digest::sha256_of_file;
use crate::durable::{self, OnPath, StorageError};
use crate::output::manifest::FileEntry;

/// Makes the folders of a relative path below `out` one by one, so that no planted symlink on the way is followed.
pub(super) fn create_folders(out: &Path, relative: &Path) -> Result<(), StorageError> {
    let mut folder = out.to_owned();
    relative.components().try_for_each(|part| {
        folder.push(part);
        durable::create_dir_all(&folder)
    })
}

/// Moves the staged file to its target, if that has not happened.
pub(super) fn place(
    staged: &Path,
    target: &Path,
    file: &FileEntry,
    after: AfterStep,
) -> Result<(), PublishError> {
    let missing = || PublishError::Missing { path: staged.to_owned() };
    match (size(staged)?, size(target)?) {
        (None, Some(there)) if there == file.bytes => Ok(()),
        (None, None) => Err(missing()),
        (Some(bytes), _) if bytes != file.bytes => Err(missing()),
        (Some(_), None) => move_over(staged, target, after),
        // A copy from another file system was finished, and its source not yet removed.
        (Some(_), Some(_)) if is_ours(target, file)? => Ok(durable::remove_file(staged)?),
        (_, Some(_)) => Err(PublishError::Foreign { path: target.to_owned() }),
    }
}

fn move_over(staged: &Path, target: &Path, after: AfterStep) -> Result<(), PublishError> {
    match durable::rename(staged, target) {
        Err(error) if error.source.kind() == io::ErrorKind::CrossesDevices => {
            copy_over(staged, target, after)
        }
        other => Ok(other?),
    }
}

/// Moves between file systems: the copy gets its name when it is whole and synced.
pub(super) fn copy_over(staged: &Path, target: &Path, after: AfterStep) -> Result<(), PublishError> {
    let beside = temporary(target);
    let copy = || {
        durable::remove_file(&beside)?; // what a killed run may have left, or the file that is given up
        let mut from = File::open(staged).on("read", staged)?;
        let mut copy = durable::create_new(&beside)?;
        io::copy(&mut from, &mut copy).on("write", &beside)?;
        durable::sync(&copy, &beside)
    };
    copy().or_else(|error| if error.is_failed_sync() { copy() } else { Err(error) })?;
    after("copied")?;
    durable::rename(&beside, target)?;
    durable::sync_dir(target.parent().unwrap_or(target))?;
    after("copy named")?;
    Ok(durable::remove_file(staged)?)
}

/// The name of an unfinished copy: hidden, so that no reader takes it for a file of the table.
pub(super) fn temporary(target: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(".tmp");
    target.with_file_name(name)
}

/// Whether the file has the content that the manifest says.
pub(super) fn is_ours(target: &Path, file: &FileEntry) -> Result<bool, StorageError> {
    Ok(size(target)? == Some(file.bytes) && sha256_of_file(target)?.0 == file.sha256)
}

/// The size of a plain file; none when nothing stands there. Something else is an error.
pub(super) fn size(path: &Path) -> Result<Option<u64>, StorageError> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_file() => Ok(Some(meta.len())),
        Ok(_) => {
            let why = io::Error::other("it is not a plain file (symbolic links are not followed)");
            Err(StorageError::new("publish over", path, why))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StorageError::new("inspect", path, error)),
    }
}
