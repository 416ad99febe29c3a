//! Exit codes (`docs/reference.md#exit-codes`), and the errors that lead to them.

use std::process::ExitCode;

use crate::api::Stop;
use crate::check::Cause;
use crate::durable::StorageError;
use crate::export::{ExportError, Interruption, RebuildError, Signal};
use crate::fetch::FetchError;
use crate::fetch::listing::ListingError;
use crate::lock::LockError;
use crate::output::manifest::Manifest;
use crate::output::{OutputError, RawError};
use crate::prune::PruneError;
use crate::publish::PublishError;
use crate::spool::SpoolError;
use crate::state::StateError;
use crate::transform::TransformError;

/// Result of a command. `docs/reference.md` has the docs of the variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Complete: every contact is `exported`, `empty`, `not_found` or `unchanged`.
    Complete,
    /// A bug in the exporter.
    Bug,
    /// Invalid usage, settings, credentials, contacts file or certificate. Or the URL is not the API, or the
    /// API's responses have changed.
    Usage,
    /// Published, but some contacts are `failed` or `unresolved`, or the manifest lists `input.doubts`.
    Partial,
    /// The API refused the sign-in.
    SignInRefused,
    /// The API is unavailable, a quota or `--max-duration` is used up, or more contacts failed than
    /// `--max-failed` allows.
    Unavailable,
    /// Storage: the disk is full, a permission is missing, or an I/O error. Or a limit of this machine: open
    /// files, threads or memory.
    Storage,
    /// Another run works on this export, or has taken it over. The message names its process, host and start,
    /// if they are known.
    Locked,
    /// `verify`, `report`, `rebuild`, `prune`, `schema` or an incremental run found damage, such as a damaged
    /// manifest.
    Damaged,
    /// An unfinished run does not fit this command. The message names the difference, and `--fresh` discards
    /// the run. Or the state of `--incremental` is lost or damaged, and `--full` exports all contacts. Or the
    /// newest run in the folder has another format, JSONL compression or other partition keys, and
    /// `--allow-mixed` accepts that.
    DoesNotFit,
    /// Interrupted by SIGINT.
    Interrupted,
    /// Interrupted by SIGTERM, or by SIGHUP unless it is ignored, as under `nohup`.
    Terminated,
}

impl Exit {
    /// Returns the exit code of the process.
    pub fn code(self) -> u8 {
        match self {
            Self::Complete => 0,
            Self::Bug => 1,
            Self::Usage => 2,
            Self::Partial => 3,
            Self::SignInRefused => 4,
            Self::Unavailable => 5,
            Self::Storage => 6,
            Self::Locked => 7,
            Self::Damaged => 8,
            Self::DoesNotFit => 9,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// Returns the result of a published run.
    pub fn of_manifest(manifest: &Manifest) -> Self {
        let counts = &manifest.contacts;
        let is_whole = counts.failed + counts.unresolved == 0 && manifest.input.doubts.is_empty();
        if is_whole { Self::Complete } else { Self::Partial }
    }

    /// Returns the result of a run that was not published.
    pub fn of_export(error: &ExportError) -> Self {
        match error {
            ExportError::Lock(error) => Self::of_lock(error),
            ExportError::StateLost(lost) if lost.is_damage => Self::Damaged,
            ExportError::DoesNotFit { .. }
            | ExportError::Mixed { .. }
            | ExportError::BadWork { .. }
            | ExportError::StateLost(_) => Self::DoesNotFit,
            ExportError::State(error) => Self::of_state(error),
            ExportError::ForeignWork { .. } | ExportError::RunIdTaken { .. } => Self::Usage,
            ExportError::Listing(error) => Self::of_listing(error),
            ExportError::NoContacts => Self::Usage,
            ExportError::Fetch(error) => Self::of_fetch(error),
            ExportError::Spool(error) => Self::of_spool(error),
            ExportError::Transform(TransformError::Spool(error)) => Self::of_spool(error),
            ExportError::Transform(TransformError::Output(error)) => Self::of_output(error),
            ExportError::Transform(TransformError::Storage(error)) | ExportError::Storage(error) => {
                Self::of_storage(error)
            }
            ExportError::Publish(error) => Self::of_publish(error),
            ExportError::Prune(PruneError::NoExport { .. }) => Self::Usage,
            ExportError::Prune(PruneError::Damaged { .. }) => Self::Damaged,
            ExportError::Prune(PruneError::Storage(error)) => Self::of_storage(error),
            ExportError::Interrupted(why) => Self::of_interruption(*why),
            ExportError::Bug(_) => Self::Bug,
        }
    }

    fn of_stop(stop: &Stop) -> Self {
        match stop {
            Stop::NotTheApi { .. } | Stop::Credentials { .. } => Self::Usage,
            Stop::RootCertificates { .. } | Stop::Certificate { .. } => Self::Usage,
            Stop::NoFiles | Stop::NoThreads { .. } => Self::Storage,
            Stop::SignInRefused { .. } => Self::SignInRefused,
            Stop::Unavailable { .. } | Stop::Silent { .. } | Stop::Quota => Self::Unavailable,
            Stop::Cancelled => Self::Bug,
        }
    }

    /// Returns the result for a contact list that cannot be read.
    pub fn of_listing(error: &ListingError) -> Self {
        match error {
            ListingError::Api(stop) => Self::of_stop(stop),
            ListingError::Refused { status: 401 | 403, .. } => Self::SignInRefused,
            ListingError::Refused { .. } | ListingError::OffsetIgnored => Self::Usage,
            ListingError::TooLarge { .. } | ListingError::NotAnAnswer { .. } => Self::Usage,
            ListingError::Unreadable { .. } => Self::Unavailable,
        }
    }

    /// Returns the result that a run would have for the cause of a failed check.
    pub fn of_cause(cause: &Cause) -> Self {
        match cause {
            Cause::Api(stop) => Self::of_stop(stop),
            Cause::Listing(error) => Self::of_listing(error),
            Cause::Contacts | Cause::NoContacts | Cause::OffsetIgnored => Self::Usage,
            Cause::AnswersChanged => Self::Usage,
            Cause::AllRefused { unauthorized: true } => Self::SignInRefused,
            Cause::AllRefused { unauthorized: false } => Self::Usage,
            Cause::Unreadable => Self::Unavailable,
            Cause::Storage => Self::Storage,
            Cause::Locked => Self::Locked,
        }
    }

    fn of_interruption(why: Interruption) -> Self {
        match why {
            Interruption::Signal(Signal::Interrupt) => Self::Interrupted,
            Interruption::Signal(Signal::Terminate | Signal::HangUp) => Self::Terminated,
            Interruption::TimeIsUp => Self::Unavailable,
            Interruption::TakenOver => Self::Locked,
        }
    }

    /// Returns the result of a failed `rebuild`.
    pub fn of_rebuild(error: &RebuildError) -> Self {
        match error {
            RebuildError::NoExport { .. } | RebuildError::NoRun { .. } | RebuildError::NoRaw { .. } => {
                Self::Usage
            }
            RebuildError::NewerManifest { .. } | RebuildError::RunIdTaken { .. } => Self::Usage,
            RebuildError::Damaged { .. } | RebuildError::Raw(RawError::Damaged { .. }) => Self::Damaged,
            RebuildError::Raw(RawError::TooLarge { .. }) => Self::Usage,
            RebuildError::Raw(RawError::Storage(error)) => Self::of_storage(error),
            RebuildError::Interrupted(why) => Self::of_interruption(*why),
            RebuildError::Export(error) => Self::of_export(error),
        }
    }

    fn of_fetch(error: &FetchError) -> Self {
        match error {
            FetchError::Api(stop) => Self::of_stop(stop),
            FetchError::Spool(error) => Self::of_spool(error),
            FetchError::OffsetIgnored { .. } | FetchError::AnswersChanged { .. } => Self::Usage,
            FetchError::NothingAnswered { .. } | FetchError::StoppedAnswering { .. } => Self::Unavailable,
            FetchError::AllRefused { unauthorized: true, .. } => Self::SignInRefused,
            FetchError::AllRefused { unauthorized: false, .. } => Self::Usage,
            FetchError::TooManyFailed { .. } => Self::Unavailable,
        }
    }

    fn of_spool(error: &SpoolError) -> Self {
        match error {
            SpoolError::Storage(error) => Self::of_storage(error),
            SpoolError::Damaged { .. } => Self::DoesNotFit,
            SpoolError::Closed => Self::Bug,
        }
    }

    fn of_output(error: &OutputError) -> Self {
        match error {
            OutputError::Storage(error) => Self::of_storage(error),
            _ => Self::Bug,
        }
    }

    fn of_publish(error: &PublishError) -> Self {
        match error {
            PublishError::Storage(error) => Self::of_storage(error),
            PublishError::Lock(error) => Self::of_lock(error),
            PublishError::Foreign { .. } => Self::Storage,
            PublishError::Missing { .. } | PublishError::Unreadable { .. } => Self::DoesNotFit,
        }
    }

    fn of_state(error: &StateError) -> Self {
        match error {
            StateError::Storage(error) => Self::of_storage(error),
            StateError::Unreadable { .. } => Self::DoesNotFit,
            StateError::Encode { .. } => Self::Bug,
        }
    }

    fn of_lock(error: &LockError) -> Self {
        match error {
            LockError::Held { .. } | LockError::Uncertain { .. } | LockError::Lost { .. } => Self::Locked,
            LockError::Storage(error) => Self::of_storage(error),
        }
    }

    fn of_storage(_: &StorageError) -> Self {
        Self::Storage
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
