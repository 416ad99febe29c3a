//! SQL for warehouses: the tables, the load of new runs, and views of the latest version of each contact.
//!
//! Text is all that is made here: the database reads the files itself, DuckDB by the manifests it finds, `psql` by the
//! `\copy` lines that [`ExportSource`] is written out as. Both dialects go the same way:
//!
//! ```text
//! files ─▶ staged_<table> (typed rows of the runs to be loaded) ─▶ merge: delete and insert by contact
//!                                                               └▶ latest_<table>: views, for who keeps all runs
//! ```
//!
//! A contact that a run has read whole (see [`DECISIVE`]) is replaced by it, unless a newer run has been loaded already: so
//! runs may be loaded late, twice and in any order. The chain of manifests says which run is newer ([`runs`]). `failed` and
//! `unchanged` contacts keep the rows they have. Runs that hold only parts of contacts are left out ([`limits`]).
//!
//! Layer 3: knows tables and manifests, and no database.

mod copy;
mod dialect;
mod duckdb;
mod failure;
mod latest;
mod merge;
mod names;
mod postgres;
mod runs;
mod source;
mod tables;

use crate::output::manifest::Manifest;

pub use dialect::Dialect;
pub use failure::failing;
pub use latest::latest;
pub use merge::merge;
pub use source::{ExportSource, Runs, SourceError};
pub use tables::create_tables;

/// The statuses in `coverage` by which a run decides what a contact's rows are: it has read them, or knows that there are
/// none. The others say nothing about the rows of earlier runs.
const DECISIVE: [&str; 4] = ["exported", "empty", "unresolved", "not_found"];

/// The condition that a `coverage` row of this name decides.
fn decides(name: &str) -> String {
    let statuses = DECISIVE.map(|status| format!("'{status}'"));
    format!("{name}.status IN ({})", statuses.join(", "))
}

/// What a script is made for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To load what is not in the tables yet; nothing but the rows stays.
    Merge,
    /// To look at all runs.
    Latest,
}

/// The first lines of a script.
fn heading(what: &str) -> String {
    format!(
        "-- chatzy-export {}, schema version {}: {what}\n",
        env!("CARGO_PKG_VERSION"),
        crate::table::schema::SCHEMA_VERSION
    )
}

/// Whether a file of this run is one of those that `psql` can copy.
fn is_jsonl(manifest: &Manifest) -> bool {
    manifest.files.iter().all(|file| file.path.contains(".jsonl"))
}
