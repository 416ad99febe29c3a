//! Errors of locking a folder.

use std::path::PathBuf;

use super::owner::{Owner, Seen};
use crate::durable::StorageError;

/// Errors of locking a folder, or of keeping it locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another run holds it.
    #[error("another run works on {}{}", path.display(), Owner::told(owner.as_deref()))]
    Held {
        /// The locked folder.
        path: PathBuf,
        /// The other run, if its owner file can be read.
        owner: Option<Box<Owner>>,
    },
    /// An owner file exists, and it is unknown if its run is alive: it must be watched.
    #[error("another run may work on {}{}", path.display(), Owner::told(seen.owner().as_ref()))]
    Uncertain {
        /// The folder.
        path: PathBuf,
        /// The owner file as it stands.
        seen: Box<Seen>,
    },
    /// Another run has taken the folder over, or somebody has removed the owner file.
    #[error("another run has taken over {}: nothing more was written there", path.display())]
    Lost {
        /// The folder.
        path: PathBuf,
    },
    /// The file system refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
