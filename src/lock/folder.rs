//! Takes, checks and releases the two files in one folder.

use std::fs::{File, Metadata, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::owner::{Life, Owner, Seen};
use super::{FOLDER, LockError, trust};
use crate::durable::{self, OnPath, StorageError};

const LOCK: &str = "lock";
const OWNER: &str = "owner.json";
/// Name to which the owner file of a dead run is moved before it is removed.
const OLD: &str = "owner.old";
/// Most attempts: other runs may end, and remove the files, at each step. After this many, something else is wrong.
const TRIES: u32 = 20;

/// One folder that is this run's until it is dropped.
pub(super) struct Owned {
    folder: PathBuf,
    /// The folder as the user knows it.
    shown: PathBuf,
    token: String,
    refusal: Option<io::Error>,
    /// Closed last: the lock ends with it.
    _lock: File,
}

/// Makes the folder and takes it.
pub(super) fn own(folder: &Path, shown: &Path, me: &Owner, dead: Option<&Seen>) -> Result<Owned, LockError> {
    let (lock, refusal) = lock(folder, shown)?;
    claim(folder, shown, me, &Evidence { is_proof: refusal.is_none() && trust::is_local(folder), dead })?;
    Ok(Owned { folder: folder.to_owned(), shown: shown.to_owned(), token: me.token(), refusal, _lock: lock })
}

/// Locks the lock file; where the file system refuses that, says why.
fn lock(folder: &Path, shown: &Path) -> Result<(File, Option<io::Error>), LockError> {
    let path = folder.join(LOCK);
    for _ in 0..TRIES {
        durable::create_dir_all(folder)?;
        let Some(file) = open(&path)? else { continue };
        match file.try_lock() {
            Ok(()) if is_still(&file, &path)? => return Ok((file, None)),
            // Removed by the run that held it, between our opening and locking.
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let owner = Seen::read(&folder.join(OWNER))?.and_then(|seen| seen.owner()).map(Box::new);
                return Err(LockError::Held { path: shown.to_owned(), owner });
            }
            Err(TryLockError::Error(error)) => return Ok((file, Some(error))),
        }
    }
    let why = io::Error::other("the file changes all the time");
    Err(StorageError::new("lock", &path, why).into())
}

/// Opens or makes the lock file. None when it, or its folder, has just been removed or made.
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

/// True if the path still leads to the open file.
fn is_still(file: &File, path: &Path) -> Result<bool, StorageError> {
    let name = |meta: &Metadata| (meta.dev(), meta.ino());
    let (Ok(ours), there) = (file.metadata(), std::fs::symlink_metadata(path)) else {
        return Ok(false); // as NFS answers for a file that was removed
    };
    match there {
        Ok(there) => Ok(name(&ours) == name(&there)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StorageError::new("inspect", path, error)),
    }
}

/// Evidence that the run of an owner file is dead.
struct Evidence<'a> {
    /// That we have the lock proves it.
    is_proof: bool,
    /// An owner file that was watched.
    dead: Option<&'a Seen>,
}

/// Creates the owner file, when that of a dead run has been removed.
fn claim(folder: &Path, shown: &Path, me: &Owner, evidence: &Evidence<'_>) -> Result<(), LockError> {
    let path = folder.join(OWNER);
    let held = |owner| LockError::Held { path: shown.to_owned(), owner };
    for _ in 0..TRIES {
        match durable::create_new(&path) {
            Ok(file) => return Ok(write(file, &path, me)?),
            Err(error) if error.source.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
        let Some(seen) = Seen::read(&path)? else { continue };
        match seen.life() {
            Life::Alive => return Err(held(seen.owner().map(Box::new))),
            Life::Gone => {}
            Life::Unknown if evidence.is_proof || evidence.dead == Some(&seen) => {}
            Life::Unknown => {
                return Err(LockError::Uncertain { path: shown.to_owned(), seen: Box::new(seen) });
            }
        }
        if !bury(folder, &seen)? {
            return Err(held(None));
        }
    }
    Err(held(None))
}

fn write(mut file: File, path: &Path, me: &Owner) -> Result<(), StorageError> {
    let text = serde_json::to_vec(me).map_err(|error| StorageError::new("encode", path, error.into()))?;
    let written = file.write_all(&text).on("write", path).and_then(|()| durable::sync(&file, path));
    if written.is_err() {
        drop(durable::remove_file(path)); // the error that is told is the first
    }
    written
}

/// Removes the owner file of a dead run. False if another run, which found it dead too, has replaced it.
fn bury(folder: &Path, dead: &Seen) -> Result<bool, StorageError> {
    let (path, old) = (folder.join(OWNER), folder.join(OLD));
    match durable::rename(&path, &old) {
        Err(error) if error.source.kind() == io::ErrorKind::NotFound => return Ok(true),
        renamed => renamed?,
    }
    let moved = Seen::read(&old)?;
    if moved.is_some_and(|moved| !moved.has_content_of(dead)) {
        durable::rename(&old, &path)?;
        return Ok(false);
    }
    durable::remove_file(&old)?;
    Ok(true)
}

impl Owned {
    /// The owner file.
    pub(super) fn file(&self) -> PathBuf {
        self.folder.join(OWNER)
    }

    pub(super) fn check(&self) -> Result<(), LockError> {
        match Seen::read(&self.file())? {
            Some(seen) if seen.is_of(&self.token) => Ok(()),
            _ => Err(LockError::Lost { path: self.shown.clone() }),
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
        // A file that cannot be removed blocks no other run: the process has ended, and the lock is free.
        drop(durable::remove_file(&self.file()));
        drop(durable::remove_file(&self.folder.join(LOCK)));
        // Left by a run that was killed while it took over.
        drop(durable::remove_file(&self.folder.join(OLD)));
        durable::remove_dir_if_empty(&self.folder);
    }
}

/// The lock of an export, looked at from outside.
#[derive(Debug)]
pub enum Looked {
    /// No run holds it.
    Free,
    /// A run holds it.
    Held(Option<Owner>),
    /// A run may hold it: its owner file exists and would have to be watched.
    Uncertain(Option<Owner>),
}

/// Looks at the lock of an export without taking it. Nothing is written.
///
/// # Errors
/// When the files cannot be read.
pub fn look(out: &Path) -> Result<Looked, StorageError> {
    let folder = out.join(FOLDER);
    if !durable::is_real_dir(&folder)? {
        return Ok(Looked::Free);
    }
    let seen = Seen::read(&folder.join(OWNER))?;
    let owner = seen.as_ref().and_then(Seen::owner);
    let life = seen.as_ref().map(Seen::life);
    if life == Some(Life::Alive) {
        return Ok(Looked::Held(owner));
    }
    let is_locked = match durable::open_existing(&folder.join(LOCK)) {
        Err(error) if error.source.kind() == io::ErrorKind::NotFound => Some(false),
        // As a shared lock: two commands that only look do not disturb each other.
        opened => match opened?.try_lock_shared() {
            Ok(()) => Some(false),
            Err(TryLockError::WouldBlock) => Some(true),
            Err(TryLockError::Error(_)) => None,
        },
    };
    Ok(match (is_locked, life) {
        (Some(true), _) => Looked::Held(owner),
        (_, None | Some(Life::Gone)) => Looked::Free,
        (Some(false), _) if trust::is_local(&folder) => Looked::Free,
        _ => Looked::Uncertain(owner),
    })
}
