//! Gives files a name that nothing has yet. Of several programs that try, one succeeds.

use std::fs;
use std::io;
use std::path::Path;

use rustix::io::Errno;

use super::{StorageError, parent_of, sync_dir};

/// Gives a synced file a second name, and makes it durable. Returns false, and does nothing, if anything has this name
/// already. Of several processes that try, one succeeds.
///
/// # Errors
/// If the file system supports neither hard links nor exclusive renames, or reports another error.
pub fn name_first(file: &Path, name: &Path) -> Result<bool, StorageError> {
    let named = match fs::hard_link(file, name) {
        Err(error) if is_unsupported(&error) => rename_exclusively(file, name),
        linked => linked,
    };
    let is_named = unless_taken(named, name)?;
    if is_named {
        sync_dir(&parent_of(name))?;
    }
    Ok(is_named)
}

/// Renames a synced file, unless anything has the new name already: then it returns false. The caller syncs the folder.
pub(super) fn rename_new(from: &Path, to: &Path) -> Result<bool, StorageError> {
    let renamed = match rename_exclusively(from, to) {
        // An interruption between the two leaves both names.
        Err(error) if is_unsupported(&error) => fs::hard_link(from, to).and_then(|()| fs::remove_file(from)),
        renamed => renamed,
    };
    unless_taken(renamed, to)
}

fn rename_exclusively(from: &Path, to: &Path) -> io::Result<()> {
    let flags = rustix::fs::RenameFlags::NOREPLACE;
    Ok(rustix::fs::renameat_with(rustix::fs::CWD, from, rustix::fs::CWD, to, flags)?)
}

fn unless_taken(named: io::Result<()>, name: &Path) -> Result<bool, StorageError> {
    match named {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(StorageError::new("create", name, error)),
    }
}

/// True if the file system has no hard links, or no exclusive renames.
fn is_unsupported(error: &io::Error) -> bool {
    let codes =
        [Errno::PERM, Errno::OPNOTSUPP, Errno::NOSYS, Errno::MLINK, Errno::INVAL].map(Errno::raw_os_error);
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}
