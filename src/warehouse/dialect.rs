//! The table of SQL dialects. It holds every difference between the databases; the other files of this room
//! are the same for all of them.
//!
//! # Add a dialect
//!
//! A dialect is one file in `dialects`, with one `pub static` [`Dialect`], and its entry in [`Dialect::ALL`].
//! The command line, its help and `failing` scripts follow from the table.
//!
//! 1. Choose the [`Strategy`]. [`Strategy::Replace`] is for databases with transactions over several tables,
//!    [`Strategy::Append`] for others. Copy `dialects/snowflake.rs` or `dialects/clickhouse.rs`.
//! 2. Fill in [`Dialect`]: names, [`Types`], `failing` and `fail_if`. If the database has no function that fails
//!    with a text, convert the text to a number.
//! 3. Fill in [`Fixed`]: how columns are quoted, literals, types in `CREATE TABLE`, comments, and statements
//!    before a load. Every column is quoted, since `end` and `raw` are reserved words in some databases.
//! 4. Fill in [`Append`] or [`Replace`]: how the files of one run and table become rows. A
//!    [`FileGroup`](super::files::FileGroup) has the list of paths below the export. Divide it by the limits of the
//!    database. [`Location`](super::location::Location) has the export's folder or URL in parts. Escape what
//!    the database takes for a pattern.
//! 5. Let `check` refuse what the database cannot read: always JSONL
//!    ([`ExportSource::is_parquet`]); files without the column `channel`, if the load does not select it
//!    as a constant ([`ExportSource::has_channel`]); locations and paths that it cannot read. Each refusal names
//!    what would help.
//!
//! The generic parts compare the rows of each run and table with its manifest, and the times with its start. They
//! skip loaded runs, and keep the order of runs. A test parses or runs the scripts of each dialect
//! (`tests/it/warehouse`), and a snapshot in the dialect's file shows one.

use super::append::{self, Append};
use super::dialects::{bigquery, clickhouse, databricks, duckdb, postgres, redshift, snowflake, trino};
use super::fixed::Fixed;
use super::replace::{self, Replace};
use super::session::{self, Session};
use super::{ExportSource, SourceError};
use crate::table::{Column, Kind};

/// SQL of one database.
pub struct Dialect {
    /// Name on the command line.
    pub name: &'static str,
    /// Other names that the command line accepts.
    pub aliases: &'static [&'static str],
    /// Name of the database in sentences.
    pub(super) title: &'static str,
    /// Name and oldest version of the database.
    pub version: &'static str,
    /// Version and formats, for the help of the command line.
    pub help: &'static str,
    /// Types of the columns.
    pub(super) types: Types,
    /// Returns a script that fails with this message, whatever characters it contains. The message has no
    /// control characters.
    pub(super) failing: fn(message: &str) -> String,
    /// Returns a statement that fails with a number and this message if a query returns more than zero.
    pub(super) fail_if: fn(count: &str, message: &str) -> String,
    /// Refuses exports that the database cannot read, with what would help.
    pub(super) check: fn(&ExportSource) -> Result<(), SourceError>,
    /// The way rows get into the tables.
    pub(super) strategy: Strategy,
}

/// Types of the columns.
pub(super) struct Types {
    pub(super) text: &'static str,
    pub(super) time: &'static str,
    pub(super) integer: &'static str,
    pub(super) boolean: &'static str,
    pub(super) json: &'static str,
    /// JSON as received: the order of keys, repeated keys and the spelling of numbers matter.
    pub(super) raw: &'static str,
}

/// The way rows get into the tables.
pub(super) enum Strategy {
    /// The script finds out at run time which files to load.
    Session(Session),
    /// The script names the files. The tables hold the rows of all loaded runs.
    Append(Fixed, Append),
    /// The script names the files. The tables hold the newest version of each contact.
    Replace(Fixed, Replace),
}

impl Dialect {
    /// All dialects, in the order of the documents.
    pub const ALL: [&'static Self; 10] = [
        &duckdb::DUCKDB,
        &postgres::POSTGRES,
        &clickhouse::CLICKHOUSE,
        &snowflake::SNOWFLAKE,
        &bigquery::BIGQUERY,
        &databricks::DATABRICKS,
        &databricks::SPARK,
        &redshift::REDSHIFT,
        &trino::TRINO,
        &trino::ATHENA,
    ];

    /// Returns the statements that create the tables.
    pub fn tables(&self) -> String {
        match &self.strategy {
            Strategy::Session(session) => session::create_tables(self, session),
            Strategy::Append(fixed, _) => append::create(self, fixed),
            Strategy::Replace(fixed, _) => replace::create(self, fixed),
        }
    }

    /// Returns the script that loads the runs of an export that are not loaded yet.
    ///
    /// # Errors
    /// If the database cannot read the export, with what would help.
    pub fn merge(&self, source: Option<&ExportSource>) -> Result<String, SourceError> {
        source.map_or(Ok(()), self.check)?;
        match &self.strategy {
            Strategy::Session(session) => Ok(session::merge(self, session, source)),
            Strategy::Append(fixed, append) => {
                fixed.limit.check(append::merge(self, fixed, append, self.named(source)?), self.title)
            }
            Strategy::Replace(fixed, replace) => {
                fixed.limit.check(replace::merge(self, fixed, replace, self.named(source)?), self.title)
            }
        }
    }

    /// Returns the script that creates the views `latest_<table>`.
    ///
    /// # Errors
    /// If the database cannot read the export, with what would help.
    pub fn latest(&self, source: Option<&ExportSource>) -> Result<String, SourceError> {
        source.map_or(Ok(()), self.check)?;
        match &self.strategy {
            Strategy::Session(session) => Ok(session::latest(session, source)),
            Strategy::Append(fixed, append) => {
                fixed.limit.check(append::latest(self, fixed, append, self.named(source)?), self.title)
            }
            Strategy::Replace(fixed, replace) => {
                fixed.limit.check(replace::latest(self, fixed, replace, self.named(source)?), self.title)
            }
        }
    }

    /// True if the database leaves out the runs that it has by itself.
    pub fn knows_loaded_runs(&self) -> bool {
        matches!(self.strategy, Strategy::Session(_))
    }

    /// Returns the export whose files the script names.
    fn named<'a>(&self, source: Option<&'a ExportSource>) -> Result<&'a ExportSource, SourceError> {
        source.ok_or(SourceError::NoExport { title: self.title })
    }

    /// Returns a script that fails with this message, whatever characters it contains.
    pub fn failing(&self, message: &str) -> String {
        let line: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        (self.failing)(&line)
    }

    /// Returns the type of a column.
    pub(super) fn type_of(&self, column: &Column) -> &'static str {
        match column.kind {
            Kind::Str => self.types.text,
            Kind::Ts => self.types.time,
            Kind::Int => self.types.integer,
            Kind::Bool => self.types.boolean,
            Kind::Json if column.name == "raw" => self.types.raw,
            Kind::Json => self.types.json,
        }
    }
}
