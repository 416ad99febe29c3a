//! The strategy of DuckDB and PostgreSQL: the script finds out at run time which files to load, and replaces
//! contacts in one transaction.

mod latest;
mod merge;
pub(super) mod runs;
mod tables;

pub(super) use latest::latest;
pub(super) use merge::merge;
pub(super) use tables::{are_there, create_tables};

use super::{ExportSource, Purpose};

/// Differences between the databases of this strategy.
pub(in crate::warehouse) struct Session {
    /// Comment under the heading of the tables.
    pub(in crate::warehouse) tables_note: &'static str,
    /// Statements after the tables.
    pub(in crate::warehouse) indexes: &'static str,
    /// End of the comment under the heading of a load.
    pub(in crate::warehouse) merge_note: &'static str,
    /// Returns the statements that make `staged_<table>` available, after they begin the transaction.
    pub(in crate::warehouse) staging: fn(Option<&ExportSource>, Purpose) -> String,
    /// Returns the beginning of a statement that creates a table for one load.
    pub(in crate::warehouse) temp_table: fn(name: &str) -> String,
    /// Statement after the contacts to be replaced are listed.
    pub(in crate::warehouse) after_due: &'static str,
    /// Beginning of a statement that creates a view.
    pub(in crate::warehouse) create_view: &'static str,
    /// Returns the statements that create `chatzy_order` for the views.
    pub(in crate::warehouse) latest_order: fn() -> String,
}
