//! Errors of locking a folder.

use std::path::PathBuf;

use super::owner::{Owner, OwnerFile};
use crate::durable::StorageError;

/// Errors of locking a folder, or of keeping it locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another run holds the lock.
    #[error("another run works on {}{}", path.display(), Owner::in_parentheses(owner.as_deref()))]
    Held {
        /// Path of the locked folder.
        path: PathBuf,
        /// The other run, if its owner file can be read.
        owner: Option<Box<Owner>>,
    },
    /// An owner file exists, and must be watched to find out if its run is alive.
    #[error("another run may work on {}{}", path.display(), Owner::in_parentheses(seen.owner().as_ref()))]
    Uncertain {
        /// Path of the folder.
        path: PathBuf,
        /// The current owner file.
        seen: Box<OwnerFile>,
    },
    /// Another run has taken over the folder, or the owner file was removed.
    #[error(
        "another run has taken over {}{}: nothing more was written there",
        path.display(),
        Owner::in_parentheses(owner.as_deref())
    )]
    Lost {
        /// Path of the folder.
        path: PathBuf,
        /// The other run, if its owner file can be read.
        owner: Option<Box<Owner>>,
    },
    /// The lock could not be renewed for so long that another run may take it.
    #[error("the lock of {} could not be renewed for 8 minutes, so this run has stopped", path.display())]
    NotRenewed {
        /// URL of the export.
        path: PathBuf,
    },
    /// The object store ignores the conditions of a write, so it cannot keep two runs apart.
    #[error(
        "{} ignores conditional writes, so two runs could overwrite each other: if no other run ever writes there, add --unconditional",
        path.display()
    )]
    NoConditions {
        /// URL of the export.
        path: PathBuf,
    },
    /// The file system reports an error.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
