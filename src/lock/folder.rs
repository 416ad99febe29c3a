//! Takes, checks and releases the lock of one folder.

use std::fs::{File, Metadata, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::owner::{Life, Owner, OwnerFile};
use super::{FOLDER, LockError, trust};
use crate::durable::{self, OnPath, StorageError};

const LOCK: &str = "lock";
const OWNER: &str = "owner.json";
/// Name of a dead run's owner file between its renaming and its removal.
const OLD: &str = "owner.old";
/// Maximum number of attempts. Other runs may end and remove the files at each step; more attempts mean
/// another problem.
const MAX_TRIES: u32 = 20;

/// A folder that this run has locked. A drop releases it.
pub(super) struct Owned {
    folder: PathBuf,
    /// Path of the folder for error messages.
    shown: PathBuf,
    token: String,
    refusal: Option<io::Error>,
    /// Closed last, which ends the lock.
    _lock: File,
}

/// Creates the folder if it is missing, and locks it.
pub(super) fn own(
    folder: &Path,
    shown: &Path,
    me: &Owner,
    dead: Option<&OwnerFile>,
) -> Result<Owned, LockError> {
    let (lock, refusal) = lock(folder, shown)?;
    claim(folder, shown, me, &Evidence { is_proof: refusal.is_none() && trust::is_local(folder), dead })?;
    Ok(Owned { folder: folder.to_owned(), shown: shown.to_owned(), token: me.token(), refusal, _lock: lock })
}

/// Locks the lock file. Returns the error too if the file system refuses locks.
fn lock(folder: &Path, shown: &Path) -> Result<(File, Option<io::Error>), LockError> {
    let path = folder.join(LOCK);
    for _ in 0..MAX_TRIES {
        durable::create_dir_all(folder)?;
        let Some(file) = open(&path)? else { continue };
        match file.try_lock() {
            Ok(()) if is_still(&file, &path)? => return Ok((file, None)),
            // Its holder removed the file between our open and our lock.
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let owner = OwnerFile::read(&folder.join(OWNER))?.and_then(|seen| seen.owner()).map(Box::new);
                return Err(LockError::Held { path: shown.to_owned(), owner });
            }
            Err(TryLockError::Error(error)) => return Ok((file, Some(error))),
        }
    }
    let why = io::Error::other("other runs keep replacing the file");
    Err(StorageError::new("lock", &path, why).into())
}

/// Opens or creates the lock file. Returns `None` if another run has just created or removed it.
fn open(path: &Path) -> Result<Option<File>, StorageError> {
    match durable::open_existing(path) {
        Err(error) if error.source.kind() == io::ErrorKind::NotFound => {}
        opened => return opened.map(Some),
    }
    match durable::create_new(path) {
        Err(error)
            if [io::ErrorKind::NotFound, io::ErrorKind::AlreadyExists].contains(&error.source.kind()) =>
        {
            Ok(None)
        }
        made => made.map(Some),
    }
}

/// True if the path still is that of the open file.
fn is_still(file: &File, path: &Path) -> Result<bool, StorageError> {
    let name = |meta: &Metadata| (meta.dev(), meta.ino());
    let (Ok(ours), there) = (file.metadata(), std::fs::symlink_metadata(path)) else {
        return Ok(false); // NFS reports an error for a removed file
    };
    match there {
        Ok(there) => Ok(name(&ours) == name(&there)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StorageError::new("inspect", path, error)),
    }
}

/// Evidence that the run of an owner file is dead.
struct Evidence<'a> {
    /// True if holding the lock is a proof.
    is_proof: bool,
    /// Owner file of a run that is known to be dead.
    dead: Option<&'a OwnerFile>,
}

/// Creates the owner file, after removing that of a dead run.
fn claim(folder: &Path, shown: &Path, me: &Owner, evidence: &Evidence<'_>) -> Result<(), LockError> {
    let path = folder.join(OWNER);
    let held = |owner| LockError::Held { path: shown.to_owned(), owner };
    for _ in 0..MAX_TRIES {
        match durable::create_new(&path) {
            Ok(file) => return Ok(write(file, &path, me)?),
            Err(error) if error.source.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
        let Some(seen) = OwnerFile::read(&path)? else { continue };
        match seen.life() {
            Life::Alive => return Err(held(seen.owner().map(Box::new))),
            Life::Gone => {}
            Life::Unknown if evidence.is_proof || evidence.dead == Some(&seen) => {}
            Life::Unknown => {
                return Err(LockError::Uncertain { path: shown.to_owned(), seen: Box::new(seen) });
            }
        }
        if !remove_dead(folder, &seen)? {
            return Err(held(None));
        }
    }
    Err(held(None))
}

fn write(mut file: File, path: &Path, me: &Owner) -> Result<(), StorageError> {
    let text = serde_json::to_vec(me).map_err(|error| StorageError::new("encode", path, error.into()))?;
    let written = file.write_all(&text).on("write", path).and_then(|()| durable::sync(&file, path));
    if written.is_err() {
        drop(durable::remove_file(path)); // the first error is reported
    }
    written
}

/// Removes the owner file of a dead run. Returns false if another run has already replaced it.
fn remove_dead(folder: &Path, dead: &OwnerFile) -> Result<bool, StorageError> {
    let (path, old) = (folder.join(OWNER), folder.join(OLD));
    match durable::rename(&path, &old) {
        Err(error) if error.source.kind() == io::ErrorKind::NotFound => return Ok(true),
        renamed => renamed?,
    }
    let moved = OwnerFile::read(&old)?;
    if moved.is_some_and(|moved| !moved.has_content_of(dead)) {
        durable::rename(&old, &path)?;
        return Ok(false);
    }
    durable::remove_file(&old)?;
    Ok(true)
}

impl Owned {
    /// Path of the owner file.
    pub(super) fn file(&self) -> PathBuf {
        self.folder.join(OWNER)
    }

    pub(super) fn check(&self) -> Result<(), LockError> {
        match OwnerFile::read(&self.file())? {
            Some(seen) if seen.is_of(&self.token) => Ok(()),
            seen => {
                let owner = seen.and_then(|seen| seen.owner()).map(Box::new);
                Err(LockError::Lost { path: self.shown.clone(), owner })
            }
        }
    }

    pub(super) fn warning(&self) -> Option<String> {
        let why = self.refusal.as_ref()?;
        Some(format!("the file system refuses locks ({why}): only {FOLDER}/{OWNER} keeps two runs apart"))
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        if self.check().is_err() {
            return; // another run's files
        }
        // A file that cannot be removed does not block other runs: the process ends, and the lock is free.
        drop(durable::remove_file(&self.file()));
        drop(durable::remove_file(&self.folder.join(LOCK)));
        // A run that was killed during a takeover leaves this file.
        drop(durable::remove_file(&self.folder.join(OLD)));
        durable::remove_dir_if_empty(&self.folder);
    }
}

/// State of an export's lock, for a command that does not take it.
#[derive(Debug)]
pub enum LockState {
    /// No run holds it.
    Free,
    /// A run holds it.
    Held(Option<Owner>),
    /// A run may hold it: its owner file must be watched to find out.
    Uncertain(Option<Owner>),
}

/// Inspects the lock of an export without taking it. Writes nothing.
///
/// # Errors
/// When the files cannot be read.
pub(super) fn probe(folder: &Path) -> Result<LockState, StorageError> {
    if !durable::is_real_dir(folder)? {
        return Ok(LockState::Free);
    }
    let seen = OwnerFile::read(&folder.join(OWNER))?;
    let owner = seen.as_ref().and_then(OwnerFile::owner);
    let life = seen.as_ref().map(OwnerFile::life);
    if life == Some(Life::Alive) {
        return Ok(LockState::Held(owner));
    }
    let is_locked = match durable::open_existing(&folder.join(LOCK)) {
        Err(error) if error.source.kind() == io::ErrorKind::NotFound => Some(false),
        // The probe is a shared lock, so that two probes do not disturb each other.
        opened => match opened?.try_lock_shared() {
            Ok(()) => Some(false),
            Err(TryLockError::WouldBlock) => Some(true),
            Err(TryLockError::Error(_)) => None,
        },
    };
    Ok(match (is_locked, life) {
        (Some(true), _) => LockState::Held(owner),
        (_, None | Some(Life::Gone)) => LockState::Free,
        (Some(false), _) if trust::is_local(folder) => LockState::Free,
        _ => LockState::Uncertain(owner),
    })
}
