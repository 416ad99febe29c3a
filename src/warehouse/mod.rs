//! SQL for warehouses: the tables, a load of new runs, and views of the latest version of each contact.
//!
//! This room only generates text; the database reads the files itself. [`dialect`] has the differences between the
//! databases, and three strategies ([`dialect::Strategy`]) share the rest:
//!
//! - [`session`]: DuckDB and PostgreSQL. The script finds out at run time which files to load.
//! - [`replace`]: the script names the files. The tables hold the newest version of each contact.
//! - [`append`]: the script names the files. The tables hold the rows of all loaded runs.
//!
//! ```text
//! files ─▶ staged_<table> ─▶ one transaction: delete and insert by contact       (session, replace)
//! files ─▶ <table>, run by run, coverage last ─▶ latest_<table>: views            (append)
//! ```
//!
//! A run that has read a contact completely
//! ([`Status::decides`](crate::contact_read::Status::decides)) replaces the rows of this contact, unless a
//! newer run is loaded. Runs can therefore be loaded late, twice and in any order. The chain of manifests
//! determines which run is newer ([`session::runs`], [`links`]). The rows of `failed` and `unchanged` contacts stay. Runs that
//! have only parts of contacts are left out ([`limits`](crate::output::manifest::RunOptions::limits)).
//!
//! Layer 3: uses tables and manifests; connects to no database.

mod append;
mod chain;
mod dbt;
mod dialect;
mod dialects;
mod error;
mod files;
mod fixed;
#[cfg(test)]
mod fixture;
mod links;
mod location;
mod refusals;
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
pub use error::SourceError;
pub use register::Registry;
pub use source::{ExportSource, Runs};

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
