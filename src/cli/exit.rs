//! Exit codes (`docs/reference.md#exit-codes`), and the errors that lead to them.

use std::process::ExitCode;

use crate::api::Fatal;
use crate::catalog::CatalogError;
use crate::check::Cause;
use crate::delta::DeltaError;
use crate::durable::StorageError;
use crate::erase::EraseError;
use crate::evidence::EvidenceError;
use crate::export::{
    EraseJobError, ExportError, HoldError, Interruption, RebuildError, ShardsError, Signal, SnapshotJobError,
};
use crate::fetch::FetchError;
use crate::fetch::listing::ListingError;
use crate::lock::LockError;
use crate::output::manifest::Manifest;
use crate::output::{OutputError, RawError};
use crate::prune::PruneError;
use crate::publish::PublishError;
use crate::snapshot::SnapshotError;
use crate::spool::SpoolError;
use crate::state::StateError;
use crate::store::{self, CompletionError};
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
    /// `--max-failed` allows. Or `commit` misses shards, which it names. Or `evidence` got no time stamp.
    Unavailable,
    /// Storage: the disk is full, a permission is missing, or an I/O error. Or a limit of this machine: open
    /// files, threads or memory.
    Storage,
    /// Another run works on this export, or has taken it over. The message names its process, host and start,
    /// if they are known. Or another `evidence` makes the same package.
    Locked,
    /// `verify`, `runs`, `report`, `cat`, `rebuild`, `snapshot`, `evidence`, `prune`, `commit`, `schema` or an incremental run found damage, such
    /// as a damaged manifest.
    Damaged,
    /// An unfinished run does not fit this command. The message names the difference, and `--fresh` discards
    /// the run. Or the state of `--incremental` is lost or damaged, and `--full` exports all contacts. Or the
    /// newest run in the folder has another format, JSONL compression, table format or other partition keys, and
    /// `--allow-mixed` accepts that. Or a Delta log is damaged, another program has written to it, or it cannot have
    /// runs of different layouts. Or `snapshot` finds another snapshot in its folder, and `--replace` replaces
    /// it. Or the shards of a run do not fit together. Or `evidence` finds something else at the path of its package. Or the folder of a snapshot is given to another command, or that of other runs to `snapshot`.
    DoesNotFit,
    /// A hold forbids to remove anything. The message names its reference, and `hold --release` removes the hold.
    Held,
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
            Self::Held => 10,
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
            | ExportError::IntoSnapshot { .. }
            | ExportError::BadWork { .. }
            | ExportError::StateLost(_) => Self::DoesNotFit,
            ExportError::Delta(error) | ExportError::Prune(PruneError::Delta(error)) => Self::of_delta(error),
            ExportError::State(error) => Self::of_state(error),
            ExportError::ForeignWork { .. } | ExportError::RunIdTaken { .. } => Self::Usage,
            ExportError::Listing(error) => Self::of_listing(error),
            ExportError::NoContacts | ExportError::NothingFound | ExportError::AllErased { .. } => {
                Self::Usage
            }
            ExportError::Fetch(error) => Self::of_fetch(error),
            ExportError::Spool(error) => Self::of_spool(error),
            ExportError::Transform(TransformError::Spool(error)) => Self::of_spool(error),
            ExportError::Transform(TransformError::Output(error)) => Self::of_output(error),
            ExportError::Transform(TransformError::Storage(error)) | ExportError::Storage(error) => {
                Self::of_storage(error)
            }
            ExportError::Publish(error) => Self::of_publish(error),
            ExportError::Shards(error) => Self::of_shards(error),
            ExportError::Prune(PruneError::NoExport { .. }) => Self::Usage,
            ExportError::Prune(PruneError::Damaged { .. }) => Self::Damaged,
            ExportError::Prune(PruneError::Held { .. }) => Self::Held,
            ExportError::Hold(error) => Self::of_hold(error),
            ExportError::Erase(error) => Self::of_erase(error),
            ExportError::Prune(PruneError::Storage(error)) => Self::of_storage(error),
            ExportError::Prune(PruneError::Lock(error)) => Self::of_lock(error),
            ExportError::Interrupted(why) => Self::of_interruption(*why),
            ExportError::Bug(_) => Self::Bug,
        }
    }

    fn of_erase(error: &EraseJobError) -> Self {
        match error {
            EraseJobError::NoExport { .. } | EraseJobError::NoErasure { .. } => Self::Usage,
            EraseJobError::UnfinishedRun { .. } | EraseJobError::UncommittedRun { .. } => Self::DoesNotFit,
            EraseJobError::DamagedExport { .. } | EraseJobError::LostRecord { .. } => Self::Damaged,
            EraseJobError::Held { .. } => Self::Held,
            EraseJobError::Erase(error) => match error {
                EraseError::Damaged { .. } => Self::Damaged,
                EraseError::Newer { .. } => Self::Usage,
                EraseError::BeingPruned { .. } => Self::DoesNotFit,
                EraseError::Lock(error) => Self::of_lock(error),
                EraseError::Delta(error) => Self::of_delta(error),
                EraseError::Storage(error) => Self::of_storage(error),
                EraseError::File(_) => Self::Storage,
                EraseError::Output(_) | EraseError::State(_) => Self::Bug,
            },
        }
    }

    fn of_hold(error: &HoldError) -> Self {
        match error {
            HoldError::NoExport { .. } | HoldError::NoHold { .. } => Self::Usage,
            HoldError::UnfinishedErasure { .. } => Self::DoesNotFit,
            HoldError::Damaged { .. } => Self::Damaged,
            HoldError::Storage(error) => Self::of_storage(error),
        }
    }

    fn of_shards(error: &ShardsError) -> Self {
        match error {
            ShardsError::Missing { .. } => Self::Unavailable,
            ShardsError::OtherCount { .. } | ShardsError::Differ { .. } => Self::DoesNotFit,
            ShardsError::Damaged { .. } => Self::Damaged,
            ShardsError::Storage(error) => Self::of_storage(error),
        }
    }

    fn of_fatal(fatal: &Fatal) -> Self {
        match fatal {
            Fatal::NotTheApi { .. } | Fatal::Credentials { .. } => Self::Usage,
            Fatal::RootCertificates { .. } | Fatal::Certificate { .. } => Self::Usage,
            Fatal::NoFiles | Fatal::NoThreads { .. } => Self::Storage,
            Fatal::SignInRefused { .. } => Self::SignInRefused,
            Fatal::Unavailable { .. } | Fatal::Silent { .. } | Fatal::Quota => Self::Unavailable,
            Fatal::Cancelled => Self::Bug,
        }
    }

    /// Returns the result for a contact list that cannot be read.
    pub fn of_listing(error: &ListingError) -> Self {
        match error {
            ListingError::Api(stop) => Self::of_fatal(stop),
            ListingError::Refused { status: 401 | 403, .. } => Self::SignInRefused,
            ListingError::Refused { .. } | ListingError::OffsetIgnored => Self::Usage,
            ListingError::TooLarge { .. } | ListingError::NotAnAnswer { .. } => Self::Usage,
            ListingError::Unreadable { .. } => Self::Unavailable,
        }
    }

    /// Returns the result that a run would have for the cause of a failed check.
    pub fn of_cause(cause: &Cause) -> Self {
        match cause {
            Cause::Api(stop) => Self::of_fatal(stop),
            Cause::Listing(error) => Self::of_listing(error),
            Cause::Contacts | Cause::NoContacts | Cause::OffsetIgnored | Cause::Settings => Self::Usage,
            Cause::AnswersChanged => Self::Usage,
            Cause::AllRefused { unauthorized: true } => Self::SignInRefused,
            Cause::AllRefused { unauthorized: false } => Self::Usage,
            Cause::Unreadable => Self::Unavailable,
            Cause::Storage => Self::Storage,
            Cause::Locked => Self::Locked,
        }
    }

    /// Returns the result of an interrupted command.
    pub fn of_interruption(why: Interruption) -> Self {
        match why {
            Interruption::Signal(Signal::Interrupt) => Self::Interrupted,
            Interruption::Signal(Signal::Terminate | Signal::HangUp) => Self::Terminated,
            Interruption::TimeIsUp => Self::Unavailable,
            Interruption::TakenOver => Self::Locked,
            Interruption::LockNotRenewed => Self::Storage,
        }
    }

    /// Returns the result of a failed `rebuild`.
    pub fn of_rebuild(error: &RebuildError) -> Self {
        match error {
            RebuildError::NoExport { .. } | RebuildError::NoRun { .. } | RebuildError::NoRaw { .. } => {
                Self::Usage
            }
            RebuildError::NewerManifest { .. } | RebuildError::RunIdTaken { .. } => Self::Usage,
            RebuildError::Damaged { .. } => Self::Damaged,
            RebuildError::Raw(error) => Self::of_raw(error),
            RebuildError::Interrupted(why) => Self::of_interruption(*why),
            RebuildError::Export(error) => Self::of_export(error),
        }
    }

    fn of_raw(error: &RawError) -> Self {
        match error {
            RawError::Damaged { .. } => Self::Damaged,
            RawError::TooLarge { .. } => Self::Usage,
            RawError::Storage(error) => Self::of_storage(error),
        }
    }

    /// Returns the result of a failed `snapshot`.
    pub fn of_snapshot(error: &SnapshotJobError) -> Self {
        match error {
            SnapshotJobError::Build(error) => Self::of_source(error),
            SnapshotJobError::Exists { .. }
            | SnapshotJobError::NotASnapshot { .. }
            | SnapshotJobError::DeltaTables { .. } => Self::DoesNotFit,
            SnapshotJobError::DamagedOut { .. } => Self::Damaged,
            SnapshotJobError::Interrupted(why) => Self::of_interruption(*why),
            SnapshotJobError::Export(error) => Self::of_export(error),
        }
    }

    /// Returns the result for an export whose newest versions cannot be read.
    fn of_source(error: &SnapshotError) -> Self {
        match error {
            SnapshotError::NoExport { .. } | SnapshotError::OnlyParts { .. } => Self::Usage,
            SnapshotError::NewerManifest { .. } | SnapshotError::NewerSchema { .. } => Self::Usage,
            SnapshotError::Damaged { .. } => Self::Damaged,
            SnapshotError::Output(error) => Self::of_output(error),
            SnapshotError::Storage(error) => Self::of_storage(error),
            SnapshotError::Sort { .. } | SnapshotError::Stopped => Self::Bug,
        }
    }

    /// Returns the result of a package that was not made.
    pub fn of_evidence(error: &EvidenceError) -> Self {
        match error {
            EvidenceError::Source(error) => Self::of_source(error),
            EvidenceError::Raw(error) => Self::of_raw(error),
            EvidenceError::NoRun { .. } | EvidenceError::NoContacts { .. } => Self::Usage,
            EvidenceError::Exists { .. } => Self::DoesNotFit,
            EvidenceError::Busy { .. } => Self::Locked,
            EvidenceError::Damaged { .. } => Self::Damaged,
            EvidenceError::Storage(error) => Self::of_storage(error),
        }
    }

    fn of_fetch(error: &FetchError) -> Self {
        match error {
            FetchError::Api(stop) => Self::of_fatal(stop),
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
            SpoolError::Damaged { .. } | SpoolError::OtherVersion { .. } => Self::DoesNotFit,
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
            PublishError::Delta(error) => Self::of_delta(error),
            PublishError::File(CompletionError::Missing { .. }) => Self::DoesNotFit,
            PublishError::File(_) | PublishError::Forked { .. } => Self::Storage,
            PublishError::Unreadable { .. } => Self::DoesNotFit,
        }
    }

    fn of_delta(error: &DeltaError) -> Self {
        match error {
            DeltaError::Fault { .. } | DeltaError::Layout { .. } => Self::DoesNotFit,
            DeltaError::Busy { .. } => Self::Locked,
            DeltaError::Catalog(CatalogError::Storage(error)) | DeltaError::Storage(error) => {
                Self::of_storage(error)
            }
            DeltaError::Catalog(CatalogError::Damaged { .. } | CatalogError::Newer { .. }) => Self::Damaged,
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
            LockError::NoConditions { .. } => Self::Usage,
            LockError::NotRenewed { .. } => Self::Storage,
            LockError::Storage(error) => Self::of_storage(error),
        }
    }

    /// Returns the result of a failed file operation.
    pub fn of_storage(error: &StorageError) -> Self {
        if store::is_setting(error) { Self::Usage } else { Self::Storage }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
