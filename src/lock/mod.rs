//! One writer per export, also on network file systems.
//!
//! A run holds two files in the work folder until it ends:
//!
//! ```text
//! _work/lock        an advisory lock (`flock`); empty
//! _work/owner.json  the run: host, process, start, and a random token
//! ```
//!
//! - `lock` is a regular file, open for writing. NFS and SMB clients turn `flock` on such a file into a
//!   byte-range lock of the server, but not on a folder. It is not a lock of `fcntl`, since that ends when the
//!   process closes any handle of the file. The lock ends with the process, however that ends.
//! - `owner.json` is created exclusively. It separates two runs if the file system refuses locks, or does not
//!   pass them on to another machine. It is a separate file because locks are mandatory on SMB: no other
//!   process could read a locked file.
//!
//! An owner file of a killed run does not block the next run. On the same machine the process is known to
//! have ended. On a local file system the free lock proves it. Otherwise the owner file is watched: a run
//! touches its file every [`BEAT`], and a file that is unchanged for [`DEAD_AFTER`] belongs to a dead run.
//!
//! A run reads its owner file with every beat and with every step of publishing. It stops if another run has
//! taken over.
//!
//! In an object store, the lock is an object ([`object`]). The work folder is locked as described above.
//!
//! Layer 2: uses `durable` and `store`.

mod beat;
mod error;
mod folder;
mod object;
mod owner;
#[cfg(test)]
mod tests;
mod trust;
mod watch;

use std::path::Path;
use std::time::Duration;

use beat::Beat;
use folder::Owned;
use object::ObjectLock;

pub use error::LockError;
pub use folder::LockState;
pub use owner::{Owner, OwnerFile};
pub use watch::{NextStep, Watch};

use crate::durable::{self, StorageError};
use crate::id::RunId;
use crate::store::Store;

/// Time between two touches of an owner file.
pub const BEAT: Duration = Duration::from_secs(5);
/// Age of the last touch after which a run is dead. It is four beats long, since a server may be slow.
pub const DEAD_AFTER: Duration = Duration::from_secs(20);
/// The folder in an export that holds its lock, and the unfinished run unless `--work-dir` names another
/// folder.
pub use crate::layout::WORK as FOLDER;

/// The way in which a run has lost its lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Another run has taken it.
    TakenOver,
    /// It could not be renewed, so another run may take it.
    NotRenewed,
}

/// The lock of a running run. A drop releases it.
pub struct Lock {
    /// Dropped first, so that no beat follows the removal of the files.
    beat: Option<Beat>,
    /// Dropped before the folders, since the work folder has its token.
    object: Option<ObjectLock>,
    folders: Vec<Owned>,
}

impl Lock {
    /// Locks an export, which may not exist yet, and the work folder. Without a work folder, it is [`FOLDER`] in a
    /// local export, and none in an object store.
    ///
    /// `dead` is an owner file that was watched until its run was known to be dead.
    ///
    /// # Errors
    /// When another run holds or may hold the lock, or the location of the export reports an error.
    pub fn acquire(out: &Store, work: Option<&Path>, dead: Option<&OwnerFile>) -> Result<Self, LockError> {
        let me = Owner::this_process();
        let mut folders = Vec::new();
        if let Some(out) = out.folder() {
            durable::create_dir_all(out)?;
            let own = out.join(FOLDER);
            folders.push(folder::own(&own, out, &me, dead)?);
            if let Some(work) = work.filter(|work| *work != own) {
                if let Ok(below) = work.strip_prefix(out) {
                    durable::are_real_dirs(out, below)?;
                }
                folders.push(folder::own(work, work, &me, dead)?);
            }
        } else if let Some(work) = work {
            folders.push(folder::own(work, work, &me, dead)?);
        }
        Self::of_folders(folders, &me, |me| {
            if out.folder().is_some() { Ok(None) } else { object::take(out, work, me).map(Some) }
        })
    }

    /// Locks a work folder only: other processes may work on the export.
    ///
    /// # Errors
    /// As [`Self::acquire`].
    pub fn acquire_folder(work: &Path, dead: Option<&OwnerFile>) -> Result<Self, LockError> {
        let me = Owner::this_process();
        Self::of_folders(vec![folder::own(work, work, &me, dead)?], &me, |_| Ok(None))
    }

    fn of_folders(
        folders: Vec<Owned>,
        me: &Owner,
        object: impl FnOnce(&Owner) -> Result<Option<ObjectLock>, LockError>,
    ) -> Result<Self, LockError> {
        let files: Vec<_> = folders.iter().map(Owned::file).collect();
        let beat = if files.is_empty() { None } else { Some(Beat::start(files, me.token())?) };
        // After the beat: a slow store must not let the work folder look abandoned.
        let object = object(me)?;
        Ok(Self { beat, object, folders })
    }

    /// Checks that this run still holds the lock.
    ///
    /// # Errors
    /// When another run has taken over, or the lock cannot be read.
    pub fn check(&self) -> Result<(), LockError> {
        self.folders.iter().try_for_each(Owned::check)?;
        self.object.as_ref().map_or(Ok(()), ObjectLock::check)
    }

    /// Names the run in the lock of an object store, so that `verify` knows its files.
    ///
    /// # Errors
    /// When another run has taken over, or the lock cannot be written.
    pub fn set_run(&self, run_id: &RunId) -> Result<(), LockError> {
        self.object.as_ref().map_or(Ok(()), |object| object.set_run(run_id))
    }

    /// Resolves when another run has taken the lock over, or may take it.
    pub async fn lost(&self) -> Loss {
        let beat = async {
            match &self.beat {
                Some(beat) => beat.lost().await,
                None => std::future::pending().await,
            }
        };
        let object = async {
            match &self.object {
                Some(object) => object.lost().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = beat => Loss::TakenOver,
            loss = object => loss,
        }
    }

    /// A warning where the file system refuses locks.
    pub fn warning(&self) -> Option<String> {
        self.folders.iter().find_map(Owned::warning)
    }
}

/// Inspects the lock of an export without taking it. Writes nothing.
///
/// # Errors
/// When it cannot be read.
pub fn probe(out: &Store) -> Result<LockState, StorageError> {
    match out.folder() {
        Some(folder) => folder::probe(&folder.join(FOLDER)),
        None => object::probe(out),
    }
}

/// Inspects the lock of a work folder without taking it. Writes nothing.
///
/// # Errors
/// When it cannot be read.
pub fn probe_work_folder(work: &Path) -> Result<LockState, StorageError> {
    folder::probe(work)
}

/// Checks that an object store can be written to and honours the conditions of a write, as [`Lock::acquire`] does.
/// Writes an object and removes it.
///
/// # Errors
/// When it does not, or reports an error.
pub fn try_conditions(out: &Store) -> Result<(), LockError> {
    object::try_conditions(out)
}

/// Returns the run that the holder of the lock of an object store works on.
///
/// # Errors
/// When the lock cannot be read.
pub fn run_in_store(out: &Store) -> Result<Option<RunId>, StorageError> {
    if out.folder().is_some() { Ok(None) } else { object::run(out) }
}
