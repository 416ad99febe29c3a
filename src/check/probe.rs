//! A file of ours that comes and goes: whether a folder can be written to is known when it was.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::durable::{self, OnPath, StorageError};

/// How the file is called, before its random end: should the power fail meanwhile, it says whose it is.
const NAME: &str = ".chatzy-export-check-";
/// So much is written: enough that a full disk refuses it.
static CONTENT: [u8; 64 << 10] = [0; 64 << 10];

/// Makes a file, writes, syncs, renames and removes it, and syncs the folder: all that a run does.
///
/// # Errors
/// What the file system refused. Nothing is left behind then either.
pub fn write(folder: &Path) -> Result<(), StorageError> {
    let name = format!("{NAME}{:016x}", fastrand::u64(..));
    let files = Files { first: folder.join(format!("{name}.tmp")), last: folder.join(name) };
    if std::fs::symlink_metadata(&files.last).is_ok() {
        // By chance beyond belief; but a rename would replace it.
        let taken = io::Error::from(io::ErrorKind::AlreadyExists);
        return Err(StorageError::new("create", &files.last, taken));
    }
    let mut file = durable::create_new(&files.first)?;
    // Only from here on what is there under that name is ours to remove.
    let files = Ours(files);
    file.write_all(&CONTENT).on("write", &files.0.first)?;
    durable::sync(&file, &files.0.first)?;
    drop(file);
    durable::rename(&files.0.first, &files.0.last)?;
    durable::sync_dir(folder)?;
    files.remove()?;
    durable::sync_dir(folder)
}

struct Files {
    first: PathBuf,
    last: PathBuf,
}

/// Files that are removed whatever happens.
struct Ours(Files);

impl Ours {
    fn remove(&self) -> Result<(), StorageError> {
        durable::remove_file(&self.0.first)?;
        durable::remove_file(&self.0.last)
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        // Said already, or told by what failed before.
        drop(self.remove());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_and_nothing_else_touched() {
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join(".chatzy-export-check-of-another");
        durable::replace(&other, b"kept").unwrap();
        write(folder.path()).unwrap();
        let left: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(left, [other]);
    }

    #[test]
    fn a_folder_that_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        durable::replace(&file, b"kept").unwrap();
        assert!(write(&file).is_err());
        assert_eq!(std::fs::read(&file).unwrap(), b"kept");
    }
}
