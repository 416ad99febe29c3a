//! Rehearses the first steps of a run in a temporary folder.

use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::durable::{self, OnPath, StorageError};
use crate::lock::{FOLDER, Lock, LockError};

/// The name of the folder, before its random end: after a power cut it says whose it is.
const NAME: &str = ".chatzy-export-check-";
/// So much is written: enough that a full disk refuses it.
static CONTENT: [u8; 64 << 10] = [0; 64 << 10];

/// A step of a run that the file system refuses.
#[derive(Debug)]
pub struct Refused {
    /// The error, on a path that is gone.
    pub error: StorageError,
    /// `a folder` or `a file`.
    pub kind: &'static str,
}

/// Makes a folder and locks it with the code of a run, then writes, reads, syncs, renames and removes a file in it. Returns
/// the lock's warning.
///
/// # Errors
/// What the file system refused. Nothing is left behind then either.
pub fn dry_run(parent: &Path) -> Result<Option<String>, Refused> {
    let folder = parent.join(format!("{NAME}{:016x}", fastrand::u64(..)));
    let refused = |error: StorageError| {
        let kind = if error.path == folder { "a folder" } else { "a file" };
        Refused { error, kind }
    };
    if std::fs::symlink_metadata(&folder).is_ok() {
        let taken = io::Error::from(io::ErrorKind::AlreadyExists);
        return Err(refused(StorageError::new("create the folder", &folder, taken)));
    }
    durable::create_dir_all(&folder).map_err(refused)?;
    // Only from here on what is there under that name is ours to remove.
    let ours = Ours(&folder);
    let warning = lock_and_write(&folder).map_err(refused)?;
    ours.remove().map_err(refused)?;
    Ok(warning)
}

fn lock_and_write(folder: &Path) -> Result<Option<String>, StorageError> {
    let lock = Lock::acquire(folder, &folder.join(FOLDER), None).map_err(|error| match error {
        LockError::Storage(error) => error,
        // Nobody else knows the folder.
        other => StorageError::new("lock", folder, io::Error::other(other.to_string())),
    })?;
    let (first, last) = (folder.join("file.tmp"), folder.join("file"));
    let mut file = durable::create_new(&first)?;
    file.write_all(&CONTENT).on("write", &first)?;
    read_while_open(&first)?;
    durable::sync(&file, &first)?;
    drop(file);
    durable::rename(&first, &last)?;
    durable::sync_dir(folder)?;
    durable::remove_file(&last)?;
    Ok(lock.warning())
}

/// Reads the file as the build does: while the spool is still written.
fn read_while_open(path: &Path) -> Result<(), StorageError> {
    let mut read = vec![1; CONTENT.len()];
    durable::open_existing(path)?
        .read_exact_at(&mut read, 0)
        .on("read, while it is open for writing,", path)?;
    if read != CONTENT {
        let why = io::Error::other("it holds something else than was written");
        return Err(StorageError::new("read, while it is open for writing,", path, why));
    }
    Ok(())
}

/// A folder that is always removed.
struct Ours<'a>(&'a PathBuf);

impl Ours<'_> {
    fn remove(&self) -> Result<(), StorageError> {
        durable::remove_tree(self.0)
    }
}

impl Drop for Ours<'_> {
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
        assert_eq!(dry_run(folder.path()).unwrap(), None);
        let left: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(left, [other]);
    }

    #[test]
    fn a_folder_that_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        durable::replace(&file, b"kept").unwrap();
        assert!(dry_run(&file).is_err());
        assert_eq!(std::fs::read(&file).unwrap(), b"kept");
    }
}
