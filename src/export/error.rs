//! Errors that end an export before it is published.

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
    Terminate,
    /// SIGHUP: the terminal or the connection to it is gone.
    HangUp,
}

/// Reasons from outside to end a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// A signal stopped the run.
    Signal(Signal),
    /// The run has reached `--max-duration`.
    TimeIsUp,
    /// Another run has taken over the output folder, for example after a long pause of this run.
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

/// Errors that end an export before it is published.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Another run works on this export.
    #[error(transparent)]
    Lock(LockError),
    /// An unfinished run does not fit this command.
    #[error(
        "the unfinished run {run_id} does not fit this command: {}; to keep it, use the options it had",
        differences.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    )]
    DoesNotFit {
        run_id: String,
        /// Differences between the command and the run.
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
    BadWork { path: PathBuf, what: String },
    /// The work folder has files of another program.
    #[error("{} is not empty and holds no unfinished run: choose another --work-dir", path.display())]
    ForeignWork { path: PathBuf },
    /// Another run has the ID given by `--run-id`.
    #[error("a run {run_id} exists already in this export: choose another --run-id")]
    RunIdTaken { run_id: String },
    /// The account's contacts cannot be listed.
    #[error(transparent)]
    Listing(#[from] ListingError),
    /// The account has no contacts.
    #[error("the account has no contacts: there is nothing to export")]
    NoContacts,
    /// The due contacts cannot be determined.
    #[error(transparent)]
    StateLost(#[from] StateLost),
    /// The decision or the state of an incremental run cannot be read or written.
    #[error(transparent)]
    State(#[from] StateError),
    /// Fetch ended the run.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The spool cannot be read or written.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The tables cannot be built.
    #[error(transparent)]
    Transform(#[from] TransformError),
    /// The staged files cannot be published.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// Old runs cannot be removed.
    #[error(transparent)]
    Prune(#[from] PruneError),
    /// The file system reports an error.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A signal, the end of its time or another run ended the run.
    #[error("{0}; fetched data is kept")]
    Interrupted(Interruption),
    /// A bug in this program.
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
