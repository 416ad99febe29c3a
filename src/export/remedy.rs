//! The next step after an export that published nothing.
//!
//! The command line prints it after the error. It follows from the error itself, never from its text.

use super::{EraseJobError, ExportError, Interruption, RebuildError, ShardsError, SnapshotJobError};
use crate::api::Fatal;
use crate::catalog::CatalogError;
use crate::delta::DeltaError;
use crate::erase::EraseError;
use crate::fetch::FetchError;
use crate::fetch::listing::ListingError;
use crate::lock::LockError;
use crate::output::{OutputError, RawError};
use crate::prune::PruneError;
use crate::publish::PublishError;
use crate::snapshot::SnapshotError;
use crate::spool::SpoolError;
use crate::state::StateError;
use crate::store::CompletionError;
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
    /// The same command with `--replace` replaces the snapshot in the folder.
    Replace,
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
            Self::IntoSnapshot { .. } => Remedy::Manual,
            Self::Delta(error) => of_delta(error),
            Self::Mixed { .. }
            | Self::ForeignWork { .. }
            | Self::RunIdTaken { .. }
            | Self::NoContacts
            | Self::AllErased { .. }
            | Self::NothingFound => Remedy::Manual,
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
            Self::Shards(ShardsError::Missing { .. } | ShardsError::Storage(_)) => Remedy::Repeat,
            Self::Shards(
                ShardsError::OtherCount { .. } | ShardsError::Differ { .. } | ShardsError::Damaged { .. },
            ) => Remedy::Manual,
            Self::Prune(PruneError::Storage(_)) => Remedy::Repeat,
            Self::Prune(PruneError::Lock(error)) => of_lock(error),
            Self::Prune(PruneError::Delta(error)) => of_delta(error),
            Self::Prune(
                PruneError::NoExport { .. } | PruneError::Damaged { .. } | PruneError::Held { .. },
            )
            | Self::Hold(_) => Remedy::Manual,
            Self::Erase(error) => of_erase(error),
            Self::Storage(_) => Remedy::Resume,
            Self::Interrupted(Interruption::TakenOver) => Remedy::Wait,
            Self::Interrupted(_) => Remedy::Resume,
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

impl SnapshotJobError {
    /// The next step after this error. A snapshot keeps nothing that it could resume from.
    pub fn remedy(&self) -> Remedy {
        let remedy = match self {
            Self::Build(SnapshotError::Storage(_) | SnapshotError::Output(OutputError::Storage(_))) => {
                Remedy::Repeat
            }
            Self::Build(SnapshotError::Output(_) | SnapshotError::Sort { .. } | SnapshotError::Stopped) => {
                Remedy::Report
            }
            Self::Build(_) | Self::NotASnapshot { .. } | Self::DamagedOut { .. } => Remedy::Manual,
            Self::DeltaTables { .. } => Remedy::Manual,
            Self::Exists { .. } => Remedy::Replace,
            Self::Interrupted(Interruption::TakenOver) => Remedy::Wait,
            Self::Interrupted(_) => Remedy::Repeat,
            Self::Export(error) => error.remedy(),
        };
        if remedy == Remedy::Resume { Remedy::Repeat } else { remedy }
    }
}

fn of_erase(error: &EraseJobError) -> Remedy {
    match error {
        EraseJobError::NoExport { .. } | EraseJobError::Held { .. } => Remedy::Manual,
        EraseJobError::NoErasure { .. } => Remedy::Manual,
        EraseJobError::UnfinishedRun { .. }
        | EraseJobError::UncommittedRun { .. }
        | EraseJobError::DamagedExport { .. }
        | EraseJobError::LostRecord { .. } => Remedy::Manual,
        EraseJobError::Erase(error) => match error {
            EraseError::Damaged { .. } | EraseError::Newer { .. } => Remedy::Manual,
            EraseError::BeingPruned { .. } => Remedy::Manual,
            EraseError::Lock(error) => of_lock(error),
            EraseError::Delta(error) => of_delta(error),
            EraseError::Storage(_) | EraseError::File(_) => Remedy::Repeat,
            EraseError::Output(_) | EraseError::State(_) => Remedy::Report,
        },
    }
}

fn of_delta(error: &DeltaError) -> Remedy {
    match error {
        DeltaError::Fault { .. } | DeltaError::Layout { .. } => Remedy::Manual,
        DeltaError::Catalog(CatalogError::Storage(_)) => Remedy::Repeat,
        DeltaError::Catalog(CatalogError::Damaged { .. } | CatalogError::Newer { .. }) => Remedy::Manual,
        DeltaError::Busy { .. } | DeltaError::Storage(_) => Remedy::Repeat,
    }
}

fn of_fatal(fatal: &Fatal) -> Remedy {
    match fatal {
        Fatal::NotTheApi { .. } | Fatal::Credentials { .. } => Remedy::Manual,
        Fatal::RootCertificates { .. } | Fatal::Certificate { .. } => Remedy::Resume,
        Fatal::NoFiles | Fatal::NoThreads { .. } | Fatal::Silent { .. } => Remedy::Resume,
        Fatal::SignInRefused { .. } | Fatal::Unavailable { .. } | Fatal::Quota => Remedy::Resume,
        Fatal::Cancelled => Remedy::Report,
    }
}

fn of_listing(error: &ListingError) -> Remedy {
    match error {
        ListingError::Api(stop) => of_fatal(stop),
        ListingError::Refused { status: 401 | 403, .. } | ListingError::Unreadable { .. } => Remedy::Resume,
        ListingError::Refused { .. } | ListingError::OffsetIgnored => Remedy::Manual,
        ListingError::TooLarge { .. } | ListingError::NotAnAnswer { .. } => Remedy::Manual,
    }
}

fn of_fetch(error: &FetchError) -> Remedy {
    match error {
        FetchError::Api(stop) => of_fatal(stop),
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
        SpoolError::Damaged { .. } | SpoolError::OtherVersion { .. } => Remedy::Discard,
        SpoolError::Closed => Remedy::Report,
    }
}

fn of_publish(error: &PublishError) -> Remedy {
    match error {
        PublishError::File(CompletionError::Missing { .. }) => Remedy::Discard,
        PublishError::Storage(_) | PublishError::File(_) => Remedy::Resume,
        PublishError::Lock(error) => of_lock(error),
        PublishError::Delta(error) => of_delta(error),
        PublishError::Forked { .. } => Remedy::Manual,
        PublishError::Unreadable { .. } => Remedy::Discard,
    }
}

fn of_lock(error: &LockError) -> Remedy {
    match error {
        LockError::Held { .. } | LockError::Uncertain { .. } | LockError::Lost { .. } => Remedy::Wait,
        LockError::NoConditions { .. } => Remedy::Manual,
        LockError::NotRenewed { .. } => Remedy::Resume,
        LockError::Storage(_) => Remedy::Resume,
    }
}
