//! Tries the first steps of a run in a temporary folder at the destination.

use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::durable::{self, OnPath, StorageError};
use crate::lock::{Lock, LockError};
use crate::store::Store;

/// Prefix of the folder name. It identifies a folder that is left after a power cut.
const NAME: &str = ".chatzy-export-check-";
/// Content of the test file, large enough that a full disk refuses it.
static CONTENT: [u8; 64 << 10] = [0; 64 << 10];

/// A step that the file system refused.
#[derive(Debug)]
pub struct ProbeError {
    /// Error whose path is already removed.
    pub error: StorageError,
    /// `a folder` or `a file`.
    pub kind: &'static str,
}

/// Creates a folder and locks it with the code of a run. Then it writes, reads, syncs, renames and removes a
/// file. Returns the lock's warning.
///
/// # Errors
/// If the file system refuses a step. The folder is removed then too.
pub fn write_test(parent: &Path) -> Result<Option<String>, ProbeError> {
    let folder = parent.join(format!("{NAME}{:016x}", fastrand::u64(..)));
    let refused = |error: StorageError| {
        let kind = if error.path == folder { "a folder" } else { "a file" };
        ProbeError { error, kind }
    };
    if std::fs::symlink_metadata(&folder).is_ok() {
        let taken = io::Error::from(io::ErrorKind::AlreadyExists);
        return Err(refused(StorageError::new("create the folder", &folder, taken)));
    }
    durable::create_dir_all(&folder).map_err(refused)?;
    // Before this line, a folder of this name may belong to another process and must stay.
    let probe_folder = ProbeFolder(&folder);
    let warning = lock_and_write(&folder).map_err(refused)?;
    probe_folder.remove().map_err(refused)?;
    Ok(warning)
}

fn lock_and_write(folder: &Path) -> Result<Option<String>, StorageError> {
    let lock = Lock::acquire(&Store::local(folder), None, None).map_err(|error| match error {
        LockError::Storage(error) => error,
        // Unlikely: no other process knows the folder.
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

/// Reads the file while it is open for writing, as a run reads its spool.
fn read_while_open(path: &Path) -> Result<(), StorageError> {
    let mut read = vec![1; CONTENT.len()];
    durable::open_existing(path)?
        .read_exact_at(&mut read, 0)
        .on("read, while it is open for writing,", path)?;
    if read != CONTENT {
        let why = io::Error::other("the content differs from what was written");
        return Err(StorageError::new("read, while it is open for writing,", path, why));
    }
    Ok(())
}

/// The probe folder, removed in any case.
struct ProbeFolder<'a>(&'a PathBuf);

impl ProbeFolder<'_> {
    fn remove(&self) -> Result<(), StorageError> {
        durable::remove_tree(self.0)
    }
}

impl Drop for ProbeFolder<'_> {
    fn drop(&mut self) {
        // `remove` or an earlier step has reported the error.
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
        assert_eq!(write_test(folder.path()).unwrap(), None);
        let left: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(left, [other]);
    }

    #[test]
    fn a_file_instead_of_a_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        durable::replace(&file, b"kept").unwrap();
        assert!(write_test(&file).is_err());
        assert_eq!(std::fs::read(&file).unwrap(), b"kept");
    }
}
