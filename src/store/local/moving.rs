//! Moves one staged file to its final path, and never replaces a file that is not part of the run.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::digest::sha256_of_file;
use crate::durable::{self, OnPath, StorageError};
use crate::store::{Between, CompletionError, StagedFile};

/// Moves the staged file to its target, unless it is already there.
pub(super) fn move_into_place(
    staged: &Path,
    target: &Path,
    file: &StagedFile,
    between: Between,
) -> Result<(), CompletionError> {
    let missing = || CompletionError::Missing { path: staged.to_owned() };
    match (size(staged)?, size(target)?) {
        (None, Some(there)) if there == file.bytes => Ok(()),
        (None, None) => Err(missing()),
        (Some(bytes), _) if bytes != file.bytes => Err(missing()),
        (Some(_), None) => move_over(staged, target, between),
        // A copy between file systems is complete, but its source is not removed yet.
        (Some(_), Some(_)) if is_ours(target, file)? => Ok(durable::remove_file(staged)?),
        (_, Some(_)) => Err(CompletionError::Foreign { path: target.to_owned() }),
    }
}

/// Moves the staged file to its target, and replaces what is there. They may be on different file systems.
pub(super) fn move_over(staged: &Path, target: &Path, between: Between) -> Result<(), CompletionError> {
    match durable::rename(staged, target) {
        Err(error) if error.source.kind() == io::ErrorKind::CrossesDevices => {
            copy_over(staged, target, between)
        }
        other => Ok(other?),
    }
}

/// Moves a file between file systems. The copy gets its final name after it is complete and synced.
fn copy_over(staged: &Path, target: &Path, between: Between) -> Result<(), CompletionError> {
    let beside = temporary(target);
    let copy = || {
        durable::remove_file(&beside)?; // left by a killed run, or by a failed sync
        let mut from = File::open(staged).on("read", staged)?;
        let mut copy = durable::create_new(&beside)?;
        io::copy(&mut from, &mut copy).on("write", &beside)?;
        durable::sync(&copy, &beside)
    };
    copy().or_else(|error| if error.is_failed_sync() { copy() } else { Err(error) })?;
    between("copied")?;
    durable::rename(&beside, target)?;
    durable::sync_dir(target.parent().unwrap_or(target))?;
    between("copy named")?;
    Ok(durable::remove_file(staged)?)
}

/// Path of an unfinished copy. It is hidden, so readers ignore it.
pub(super) fn temporary(target: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(".tmp");
    target.with_file_name(name)
}

/// True if the file has the size and SHA-256 in the manifest.
pub(super) fn is_ours(target: &Path, file: &StagedFile) -> Result<bool, StorageError> {
    Ok(size(target)? == Some(file.bytes) && sha256_of_file(target)?.0 == file.sha256)
}

/// Size of a regular file; `None` if the path does not exist. Any other kind of file is an error.
pub(super) fn size(path: &Path) -> Result<Option<u64>, StorageError> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_file() => Ok(Some(meta.len())),
        Ok(_) => {
            let why = io::Error::other("it is not a regular file (symbolic links are not followed)");
            Err(StorageError::new("publish over", path, why))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StorageError::new("inspect", path, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::sha256;
    use crate::store::Stopped;

    #[test]
    fn a_copy_between_file_systems_survives_an_interruption_at_any_step() {
        for stop_after in 0..3 {
            let folder = tempfile::tempdir().unwrap();
            let (staged, target) = (folder.path().join("staged"), folder.path().join("out/file"));
            durable::create_dir_all(target.parent().unwrap()).unwrap();
            durable::replace(&staged, b"content").unwrap();
            let mut steps = 0;
            let _ = copy_over(&staged, &target, &mut |_| {
                steps += 1;
                if steps > stop_after { Err(Stopped) } else { Ok(()) }
            });
            // The next try copies again, or finds the copy whole.
            if !target.exists() {
                copy_over(&staged, &target, &mut |_| Ok(())).unwrap();
            }
            let file = StagedFile { path: Path::new("file"), bytes: 7, sha256: &sha256("content") };
            move_into_place(&staged, &target, &file, &mut |_| Ok(())).unwrap();
            assert_eq!(fs::read_to_string(&target).unwrap(), "content");
            assert_eq!(fs::read_dir(target.parent().unwrap()).unwrap().count(), 1, "no copy is left over");
            assert!(!staged.exists());
        }
    }
}
