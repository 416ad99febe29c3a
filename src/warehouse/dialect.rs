//! The table of SQL dialects. It holds every difference between the databases; the other files of this room
//! are the same for all of them.

use super::dialects::{duckdb, postgres};
use super::session::{self, Session};
use super::{ExportSource, SourceError};
use crate::table::{Column, Kind};

/// SQL of one database.
pub struct Dialect {
    /// Name on the command line.
    pub name: &'static str,
    /// Other names that the command line accepts.
    pub aliases: &'static [&'static str],
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
}

impl Dialect {
    /// All dialects, in the order of the documents.
    pub const ALL: [&'static Self; 2] = [&duckdb::DUCKDB, &postgres::POSTGRES];

    /// Returns the statements that create the tables.
    pub fn tables(&self) -> String {
        match &self.strategy {
            Strategy::Session(session) => session::create_tables(self, session),
        }
    }

    /// Returns the script that loads the runs of an export that are not loaded yet.
    pub fn merge(&self, source: Option<&ExportSource>) -> String {
        match &self.strategy {
            Strategy::Session(session) => session::merge(self, session, source),
        }
    }

    /// Returns the script that creates the views `latest_<table>`.
    pub fn latest(&self, source: Option<&ExportSource>) -> String {
        match &self.strategy {
            Strategy::Session(session) => session::latest(session, source),
        }
    }

    /// Returns a script that fails with this message, whatever characters it contains.
    pub fn failing(&self, message: &str) -> String {
        let line: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        (self.failing)(&line)
    }

    /// Checks that the database can read the export.
    ///
    /// # Errors
    /// If it cannot, with what would help.
    pub fn check(&self, source: &ExportSource) -> Result<(), SourceError> {
        (self.check)(source)
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
