//! Items that tests, fuzz targets and benchmarks outside of `src` use. Not an API: they change with any version.

/// Client of the API.
pub mod api {
    pub use crate::api::retry_after;
    /// Sign-in.
    pub mod sign_in {
        pub use crate::api::sign_in::{Answer, Granted, read};
    }
    /// Tokens.
    pub mod token {
        pub use crate::api::token::{Freshness, TokenKeeper};
    }
}
/// From spooled responses to staged files.
pub mod transform {
    pub use crate::transform::{TransformPlan, Transformed, transform};
}
/// The command line.
pub mod cli {
    pub use crate::cli::panics;
}
/// Compressed bodies.
pub mod compression {
    pub use crate::compression::*;
}
/// Contacts files.
pub mod contacts {
    pub use crate::contacts::*;
}
/// Hashes.
pub mod digest {
    pub use crate::digest::*;
}
/// Files that survive a power failure.
pub mod durable {
    pub use crate::durable::*;
}
/// Events.
pub mod event {
    pub use crate::event::*;
}
/// Facts about a read history.
pub mod contact_read {
    pub use crate::contact_read::*;
}
/// Identifiers.
pub mod id {
    pub use crate::id::*;
}
/// The lock on an export.
pub mod lock {
    pub use crate::lock::Lock;
}
/// Writers and manifests.
pub mod output {
    pub use crate::output::{ExportPath, OutputSpec, TableWriter};
    /// Manifests.
    pub mod manifest {
        pub use crate::output::manifest::{Latest, Manifest, Status};
    }
    /// Record of pruned runs.
    pub mod pruned {
        pub use crate::output::pruned::PrunedRuns;
    }
}
/// Redaction of rows and texts.
pub mod redaction {
    pub use crate::redaction::{KnownValues, Policy, RedactionPlan};
}
/// Responses of the API.
pub mod record {
    pub use crate::record::*;
}
/// Settings.
pub mod settings {
    pub use crate::settings::*;
}
/// SSH signatures.
pub mod signature {
    pub use crate::signature::*;
}
/// The spool.
pub mod spool {
    pub use crate::spool::{
        Closing, Entry, Ledger, Reader, RecordLocation, SpoolBody, SpoolError, Writer, recover,
    };
}
/// The state of incremental runs.
pub mod state {
    pub use crate::state::*;
}
/// Locations of exports.
pub mod store {
    pub use crate::store::*;
}
/// Tables.
pub mod table {
    pub use crate::table::*;
}
/// Points in time.
pub mod time {
    pub use crate::time::*;
}
/// Time stamps.
pub mod timestamp {
    pub use crate::timestamp::*;
}
/// Verification.
pub mod verify {
    pub use crate::verify::{Depth, Report, VerifyOptions, verify};
}
