//! Errors that end an export before it is published.

use std::fmt;
use std::path::PathBuf;

use super::erase::EraseJobError;
use super::hold::HoldError;
use super::identity::{Cause, Difference};
use super::previous_state::StateLost;
use super::shards::ShardsError;
use crate::api::Fatal;
use crate::delta::DeltaError;
use crate::durable::StorageError;
use crate::fetch::FetchError;
use crate::fetch::listing::ListingError;
use crate::lock::LockError;
use crate::prune::PruneError;
use crate::publish::PublishError;
use crate::spool::SpoolError;
use crate::state::StateError;
use crate::store::CompletionError;
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
    /// The lock in the object store could not be renewed, so another run may take it.
    LockNotRenewed,
}

impl fmt::Display for Interruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signal(_) => "interrupted",
            Self::TimeIsUp => "--max-duration reached",
            Self::TakenOver => "another run has taken over the output folder",
            Self::LockNotRenewed => "the lock in the object store could not be renewed for 8 minutes",
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
        "the unfinished run {run_id} does not fit this command: {}; to keep it, {}",
        differences.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        to_keep(differences)
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
    /// The folder has a snapshot.
    #[error(
        "{} has the snapshot {run_id}: with another run beside it, readers of the folder would see contacts twice; choose another --out",
        path.display()
    )]
    IntoSnapshot {
        /// The folder of the snapshot.
        path: PathBuf,
        /// ID of the snapshot.
        run_id: String,
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
    /// All contacts of the run were erased.
    #[error(
        "nothing to export: the {} erased from this export; for a person who came back, use --unsuppress REFERENCE",
        if *contacts == 1 { "contact was".to_owned() } else { format!("{contacts} contacts were all") }
    )]
    AllErased { contacts: u64 },
    /// The service finds no contact.
    #[error(
        "the service finds no contact for the text of --search: there is nothing to export; look for another text with chatzy-export contacts --search TEXT"
    )]
    NothingFound,
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
    /// The Delta logs cannot name the run.
    #[error(transparent)]
    Delta(#[from] DeltaError),
    /// Shards are missing, or do not fit together.
    #[error(transparent)]
    Shards(ShardsError),
    /// Old runs cannot be removed.
    #[error(transparent)]
    Prune(#[from] PruneError),
    /// Contacts cannot be erased.
    #[error(transparent)]
    Erase(#[from] EraseJobError),
    /// A hold cannot be placed or released.
    #[error(transparent)]
    Hold(#[from] HoldError),
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

/// Returns the way to keep an unfinished run with these differences.
fn to_keep(differences: &[Difference]) -> &'static str {
    if differences.iter().any(|difference| difference.cause == Cause::Program) {
        "finish it with the version that began it"
    } else {
        "use the options it had"
    }
}

impl From<LockError> for ExportError {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Storage(error) => Self::Storage(error),
            held => Self::Lock(held),
        }
    }
}

impl From<CompletionError> for ExportError {
    fn from(error: CompletionError) -> Self {
        Self::Publish(error.into())
    }
}

impl From<ShardsError> for ExportError {
    fn from(error: ShardsError) -> Self {
        match error {
            ShardsError::Storage(error) => Self::Storage(error),
            error => Self::Shards(error),
        }
    }
}

impl From<Interruption> for ExportError {
    fn from(why: Interruption) -> Self {
        Self::Interrupted(why)
    }
}

impl From<Fatal> for ExportError {
    fn from(stop: Fatal) -> Self {
        Self::Fetch(stop.into())
    }
}
