//! The next step after an export that published nothing.
//!
//! The command line prints it after the error. It follows from the error itself, never from its text.

use super::{ExportError, Interruption, RebuildError};
use crate::api::Stop;
use crate::fetch::FetchError;
use crate::fetch::listing::ListingError;
use crate::lock::LockError;
use crate::output::{OutputError, RawError};
use crate::prune::PruneError;
use crate::publish::PublishError;
use crate::spool::SpoolError;
use crate::state::StateError;
use crate::transform::TransformError;

/// The next step after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// The same command resumes the run, once the cause is fixed.
    Resume,
    /// The same command starts again, once the cause is fixed.
    Repeat,
    /// The same command with `--wait-lock` waits for the other run.
    Wait,
    /// The same command with `--fresh` discards the unfinished run.
    Discard,
    /// The same command with `--full` reads all contacts again.
    ReadAll,
    /// A report helps the developers; the same command may still succeed.
    Report,
    /// A person must change the command or its input; the error says how.
    Manual,
}

impl ExportError {
    /// The next step after this error.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Lock(error) => of_lock(error),
            Self::DoesNotFit { .. } | Self::BadWork { .. } => Remedy::Discard,
            Self::StateLost(_) => Remedy::ReadAll,
            Self::Mixed { .. } | Self::ForeignWork { .. } | Self::RunIdTaken { .. } | Self::NoContacts => {
                Remedy::Manual
            }
            Self::Listing(error) => of_listing(error),
            Self::State(StateError::Storage(_)) => Remedy::Resume,
            Self::State(StateError::Unreadable { .. }) => Remedy::Discard,
            Self::State(StateError::Encode { .. }) => Remedy::Report,
            Self::Fetch(error) => of_fetch(error),
            Self::Spool(error) | Self::Transform(TransformError::Spool(error)) => of_spool(error),
            Self::Transform(TransformError::Output(OutputError::Storage(_)) | TransformError::Storage(_)) => {
                Remedy::Resume
            }
            Self::Transform(TransformError::Output(_)) => Remedy::Report,
            Self::Publish(error) => of_publish(error),
            Self::Prune(PruneError::Storage(_)) => Remedy::Repeat,
            Self::Prune(PruneError::NoExport { .. } | PruneError::Damaged { .. }) => Remedy::Manual,
            Self::Storage(_) => Remedy::Resume,
            Self::Interrupted(Interruption::TakenOver) => Remedy::Wait,
            Self::Interrupted(Interruption::Signal(_) | Interruption::TimeIsUp) => Remedy::Resume,
            Self::Bug(_) => Remedy::Report,
        }
    }
}

impl RebuildError {
    /// The next step after this error. A rebuild keeps nothing that it could resume from.
    pub fn remedy(&self) -> Remedy {
        let remedy = match self {
            Self::NoExport { .. } | Self::NoRun { .. } | Self::NoRaw { .. } => Remedy::Manual,
            Self::NewerManifest { .. } | Self::RunIdTaken { .. } => Remedy::Manual,
            Self::Damaged { .. } | Self::Raw(RawError::Damaged { .. } | RawError::TooLarge { .. }) => {
                Remedy::Manual
            }
            Self::Raw(RawError::Storage(_)) | Self::Interrupted(_) => Remedy::Repeat,
            Self::Export(error) => error.remedy(),
        };
        if remedy == Remedy::Resume { Remedy::Repeat } else { remedy }
    }
}

fn of_stop(stop: &Stop) -> Remedy {
    match stop {
        Stop::NotTheApi { .. } | Stop::Credentials { .. } => Remedy::Manual,
        Stop::RootCertificates { .. } | Stop::Certificate { .. } => Remedy::Resume,
        Stop::NoFiles | Stop::NoThreads { .. } | Stop::Silent { .. } => Remedy::Resume,
        Stop::SignInRefused { .. } | Stop::Unavailable { .. } | Stop::Quota => Remedy::Resume,
        Stop::Cancelled => Remedy::Report,
    }
}

fn of_listing(error: &ListingError) -> Remedy {
    match error {
        ListingError::Api(stop) => of_stop(stop),
        ListingError::Refused { status: 401 | 403, .. } | ListingError::Unreadable { .. } => Remedy::Resume,
        ListingError::Refused { .. } | ListingError::OffsetIgnored => Remedy::Manual,
        ListingError::TooLarge { .. } | ListingError::NotAnAnswer { .. } => Remedy::Manual,
    }
}

fn of_fetch(error: &FetchError) -> Remedy {
    match error {
        FetchError::Api(stop) => of_stop(stop),
        FetchError::Spool(error) => of_spool(error),
        FetchError::OffsetIgnored { .. } | FetchError::AnswersChanged { .. } => Remedy::Manual,
        FetchError::AllRefused { unauthorized: false, .. } => Remedy::Manual,
        FetchError::AllRefused { unauthorized: true, .. } => Remedy::Resume,
        FetchError::NothingAnswered { .. } | FetchError::StoppedAnswering { .. } => Remedy::Resume,
        FetchError::TooManyFailed { .. } => Remedy::Resume,
    }
}

fn of_spool(error: &SpoolError) -> Remedy {
    match error {
        SpoolError::Storage(_) => Remedy::Resume,
        SpoolError::Damaged { .. } => Remedy::Discard,
        SpoolError::Closed => Remedy::Report,
    }
}

fn of_publish(error: &PublishError) -> Remedy {
    match error {
        PublishError::Storage(_) | PublishError::Foreign { .. } => Remedy::Resume,
        PublishError::Lock(error) => of_lock(error),
        PublishError::Missing { .. } | PublishError::Unreadable { .. } => Remedy::Discard,
    }
}

fn of_lock(error: &LockError) -> Remedy {
    match error {
        LockError::Held { .. } | LockError::Uncertain { .. } | LockError::Lost { .. } => Remedy::Wait,
        LockError::Storage(_) => Remedy::Resume,
    }
}
