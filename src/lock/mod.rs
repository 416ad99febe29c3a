//! One writer for each export, also over network file systems.
//!
//! A run holds two files in the work folder until it ends:
//!
//! ```text
//! _work/lock        an advisory lock (`flock`); empty
//! _work/owner.json  the run: host, process, start, and a random token
//! ```
//!
//! - `lock` is a regular file opened for writing: NFS and SMB clients turn `flock` on such a file into a byte-range lock
//!   of the server, and never do so for a folder. It is `flock` and not `fcntl`: a POSIX lock ends as soon as its process
//!   closes any handle of the file. The lock ends with the process, however that ends.
//! - `owner.json` is created exclusively. It keeps two runs apart where the lock is refused, or not passed on to the
//!   other machine. It is a file of its own because locks are mandatory on SMB: nobody else could read a locked file.
//!
//! An owner file that a killed run left behind does not block the next run: on the same machine the process is known to be
//! gone; on a local file system the free lock proves it; elsewhere the owner file is watched. A run touches its file every
//! [`BEAT`], and one that is unchanged for [`DEAD_AFTER`] belongs to a dead run.
//!
//! A run looks at its owner file with every beat and with every step of publishing. One that was taken over stops.
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
pub use folder::{Looked, look};
pub use owner::{Owner, Seen};
pub use watch::{Next, Watch};

use crate::durable;

/// Time between two touches of an owner file.
pub const BEAT: Duration = Duration::from_secs(5);
/// An owner file that nobody touches for this long belongs to a dead run: four beats, should a server be slow.
pub const DEAD_AFTER: Duration = Duration::from_secs(20);
/// The folder in an export that holds its lock, and the unfinished run unless `--work-dir` names another folder.
pub use crate::layout::WORK as FOLDER;

/// Held while a run works. Its files are removed when it is dropped.
pub struct Lock {
    /// Dropped first: no beat comes after the files are gone.
    beat: Beat,
    folders: Vec<Owned>,
}

impl Lock {
    /// Makes the folder of the export, if need be, and locks it; the work folder too if it is another one.
    ///
    /// `dead` is an owner file that was watched, and whose run is known to be dead.
    ///
    /// # Errors
    /// When another run holds the lock or may hold it, or the file system refuses.
    pub fn acquire(out: &Path, work: &Path, dead: Option<&Seen>) -> Result<Self, LockError> {
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

    /// Checks that the folders are still this run's.
    ///
    /// # Errors
    /// When another run has taken them over, or that cannot be read.
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
