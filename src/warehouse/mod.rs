//! SQL for warehouses: the tables, a load of new runs, and views of the latest version of each contact.
//!
//! This room only generates text; the database reads the files itself. DuckDB finds them by the manifests.
//! `psql` copies them by the `\copy` lines for [`ExportSource`]. Both dialects work alike:
//!
//! ```text
//! files ─▶ staged_<table> (typed rows of the runs to be loaded) ─▶ merge: delete and insert by contact
//!                                                               └▶ latest_<table>: views over all runs
//! ```
//!
//! A run that has read a contact completely
//! ([`Status::decides`](crate::contact_read::Status::decides)) replaces the rows of this contact, unless a
//! newer run is loaded. Runs can therefore be loaded late, twice and in any order. The chain of manifests
//! determines which run is newer ([`session::runs`]). The rows of `failed` and `unchanged` contacts stay. Runs that
//! have only parts of contacts are left out ([`limits`](crate::output::manifest::RunOptions::limits)).
//!
//! Layer 3: uses tables and manifests; connects to no database.

mod append;
mod chain;
mod dbt;
mod dialect;
mod dialects;
mod files;
mod fixed;
#[cfg(test)]
mod fixture;
mod links;
mod location;
mod register;
mod replace;
mod session;
mod source;
mod sql;
mod tables;
mod views;

use crate::output::manifest::Manifest;

pub use dbt::sources as dbt_sources;
pub use dialect::Dialect;
pub use register::Registry;
pub use source::{ExportSource, Runs, SourceError};

/// Purpose of a script.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// Load new rows into the tables. Only the rows stay.
    Merge,
    /// Create views over all runs.
    Latest,
}

/// Returns the first lines of a script.
fn heading(what: &str) -> String {
    format!(
        "-- chatzy-export {}, schema version {}: {what}\n",
        env!("CARGO_PKG_VERSION"),
        crate::table::schema::SCHEMA_VERSION
    )
}

/// True if `psql` can copy the file.
fn is_jsonl(manifest: &Manifest) -> bool {
    manifest.files.iter().all(|file| file.path.contains(".jsonl"))
}
