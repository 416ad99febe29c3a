//! Replaces a file durably and atomically.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::exclusive::rename_new;
use super::{
    OWN, OnPath, READABLE, StorageError, create_with, is_regular_file, parent_of, remove_file, rename, sync,
    sync_dir,
};

/// Writes `content` to `path` durably and atomically: a reader sees either the old or the new file. If a sync
/// fails, it writes a second file.
///
/// # Errors
/// If the temporary file cannot be written, synced or renamed, or the path is not a regular file.
pub fn replace(path: &Path, content: &[u8]) -> Result<(), StorageError> {
    replace_with(path, OWN, |file| file.write_all(content))
}

/// Like [`replace`], for a file that every user may read: mode 0644.
///
/// # Errors
/// As for [`replace`].
pub fn replace_readable(path: &Path, content: &[u8]) -> Result<(), StorageError> {
    replace_with(path, READABLE, |file| file.write_all(content))
}

/// Like [`replace`], for content that `write` writes piece by piece. `write` is called again if the first
/// file is abandoned.
///
/// # Errors
/// As for [`replace`].
pub fn replace_by(path: &Path, write: impl Fn(&mut dyn Write) -> io::Result<()>) -> Result<(), StorageError> {
    replace_with(path, OWN, |file| {
        let mut file = BufWriter::new(file);
        write(&mut file)?;
        file.flush()
    })
}

fn replace_with(
    path: &Path,
    mode: u32,
    content: impl Fn(&mut File) -> io::Result<()>,
) -> Result<(), StorageError> {
    is_regular_file(path)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    let staged = path.with_file_name(name);
    stage(&staged, mode, content)?;
    rename(&staged, path)?;
    sync_dir(&parent_of(path))
}

/// Writes a new file durably: a reader sees all of it, or nothing. Returns false, and changes nothing, if the path
/// exists already. Of several programs that try, one succeeds. An interruption may leave a file whose name is hidden
/// and ends with `.tmp`.
///
/// # Errors
/// As for [`replace`], or if the file system supports neither exclusive renames nor hard links.
pub fn create(path: &Path, content: &[u8]) -> Result<bool, StorageError> {
    let name = path.file_name().unwrap_or_default();
    let staged = path.with_file_name(format!(".{}.{}.tmp", name.display(), fastrand::u32(..)));
    stage(&staged, OWN, |file| file.write_all(content))?;
    let is_created = rename_new(&staged, path)?;
    if !is_created {
        remove_file(&staged)?;
    }
    sync_dir(&parent_of(path))?;
    Ok(is_created)
}

/// Writes a temporary file, and syncs it.
fn stage(
    staged: &Path,
    mode: u32,
    content: impl Fn(&mut File) -> io::Result<()>,
) -> Result<(), StorageError> {
    let write = || {
        remove_file(staged)?; // left by a killed run, or abandoned after a failed sync
        let mut file = create_with(staged, mode)?;
        content(&mut file).on("write", staged)?;
        sync(&file, staged)
    };
    write().or_else(|error| if error.is_failed_sync() { write() } else { Err(error) })
}
