//! Why an export ended without being published.

use std::fmt;
use std::path::PathBuf;

use super::previous_state::StateLost;
use super::work_folder::Difference;
use crate::api::Stop;
use crate::durable::StorageError;
use crate::fetch::FetchError;
use crate::fetch::listing::ListingError;
use crate::lock::LockError;
use crate::prune::PruneError;
use crate::publish::PublishError;
use crate::spool::SpoolError;
use crate::state::StateError;
use crate::transform::TransformError;

/// A signal that ends a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT, as from Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
    /// SIGHUP: the terminal or the connection to it is gone.
    HangUp,
}

/// What ends a run from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// Somebody asked for it.
    Signal(Signal),
    /// `--max-duration` is over.
    TimeIsUp,
    /// Another run has taken over the output folder, as after a long pause of this one.
    TakenOver,
}

impl fmt::Display for Interruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signal(_) => "interrupted",
            Self::TimeIsUp => "--max-duration reached",
            Self::TakenOver => "another run has taken over the output folder",
        })
    }
}

/// Why an export ended without being published.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Another run works on this export.
    #[error(transparent)]
    Lock(LockError),
    /// An unfinished run is there that this command does not fit.
    #[error(
        "the unfinished run {run_id} does not fit this command: {}; to keep it, use the options it had",
        differences.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    )]
    DoesNotFit {
        /// The unfinished run.
        run_id: String,
        /// What differs.
        differences: Vec<Difference>,
    },
    /// The newest run in the folder has another layout.
    #[error(
        "this run is {now}, but the newest run in {}, {run_id}, is {before}: readers of the folder would fail or miss rows; use the options of that run or another --out, or accept it with --allow-mixed",
        path.display()
    )]
    Mixed {
        /// The folder of the export.
        path: PathBuf,
        /// Newest run in the folder.
        run_id: String,
        /// The layout of that run.
        before: String,
        /// The layout of the run to be made.
        now: String,
    },
    /// The work folder holds a run that cannot be read.
    #[error("the unfinished run in {} cannot be read ({what})", path.display())]
    BadWork {
        /// The work folder.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The work folder holds something that is not ours.
    #[error("{} is not empty and holds no unfinished run: choose another --work-dir", path.display())]
    ForeignWork {
        /// The folder.
        path: PathBuf,
    },
    /// The ID of `--run-id` is taken.
    #[error("a run {run_id} exists already in this export: choose another --run-id")]
    RunIdTaken {
        /// The ID.
        run_id: String,
    },
    /// The account's contacts cannot be listed.
    #[error(transparent)]
    Listing(#[from] ListingError),
    /// It has none.
    #[error("the account has no contacts: there is nothing to export")]
    NoContacts,
    /// It cannot be known who is due.
    #[error(transparent)]
    StateLost(#[from] StateLost),
    /// The decision who is due, or the state, cannot be written or read.
    #[error(transparent)]
    State(#[from] StateError),
    /// Fetching ended the run.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The spool failed.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// Building failed.
    #[error(transparent)]
    Transform(#[from] TransformError),
    /// Publishing failed.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// Removing old runs failed.
    #[error(transparent)]
    Prune(#[from] PruneError),
    /// A file or folder failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A signal, or the end of its time, ended the run.
    #[error("{0}; fetched data is kept")]
    Interrupted(Interruption),
    /// Something that cannot happen has.
    #[error("a bug in chatzy-export ({0}); fetched data is kept")]
    Bug(&'static str),
}

impl From<LockError> for ExportError {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Storage(error) => Self::Storage(error),
            held => Self::Lock(held),
        }
    }
}

impl From<Interruption> for ExportError {
    fn from(why: Interruption) -> Self {
        Self::Interrupted(why)
    }
}

impl From<Stop> for ExportError {
    fn from(stop: Stop) -> Self {
        Self::Fetch(stop.into())
    }
}
