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
//! Layer 2: uses `durable`.

mod beat;
mod error;
mod folder;
mod owner;
#[cfg(test)]
mod tests;
mod trust;
mod watch;

use std::path::Path;
use std::time::Duration;

use beat::Beat;
use folder::Owned;

pub use error::LockError;
pub use folder::{LockState, probe};
pub use owner::{Owner, OwnerFile};
pub use watch::{NextStep, Watch};

use crate::durable;

/// Time between two touches of an owner file.
pub const BEAT: Duration = Duration::from_secs(5);
/// Age of the last touch after which a run is dead. It is four beats long, since a server may be slow.
pub const DEAD_AFTER: Duration = Duration::from_secs(20);
/// The folder in an export that holds its lock, and the unfinished run unless `--work-dir` names another
/// folder.
pub use crate::layout::WORK as FOLDER;

/// The lock of a running run. A drop removes its files.
pub struct Lock {
    /// Dropped first, so that no beat follows the removal of the files.
    beat: Beat,
    folders: Vec<Owned>,
}

impl Lock {
    /// Creates the folder of the export if it is missing, and locks it. Also locks the work folder if it is
    /// another one.
    ///
    /// `dead` is an owner file that was watched until its run was known to be dead.
    ///
    /// # Errors
    /// When another run holds or may hold the lock, or the file system reports an error.
    pub fn acquire(out: &Path, work: &Path, dead: Option<&OwnerFile>) -> Result<Self, LockError> {
        durable::create_dir_all(out)?;
        let own = out.join(FOLDER);
        let me = Owner::this_process();
        let mut folders = vec![folder::own(&own, out, &me, dead)?];
        if work != own {
            if let Ok(below) = work.strip_prefix(out) {
                durable::are_real_dirs(out, below)?;
            }
            folders.push(folder::own(work, work, &me, dead)?);
        }
        let beat = Beat::start(folders.iter().map(Owned::file).collect(), me.token())?;
        Ok(Self { beat, folders })
    }

    /// Checks that this run still holds the lock.
    ///
    /// # Errors
    /// When another run has taken over, or an owner file cannot be read.
    pub fn check(&self) -> Result<(), LockError> {
        self.folders.iter().try_for_each(Owned::check)
    }

    /// Resolves when another run has taken the folders over.
    pub async fn lost(&self) {
        self.beat.lost().await;
    }

    /// A warning where the file system refuses locks.
    pub fn warning(&self) -> Option<String> {
        self.folders.iter().find_map(Owned::warning)
    }
}
