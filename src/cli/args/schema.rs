//! The options of `schema`.

use clap::Args;

use super::path::export_path;

use crate::id::RunId;
use crate::store::Store;
use crate::warehouse::Dialect;

pub const EXAMPLES: &str = "\
Examples:
  chatzy-export schema                        the tables: columns, meanings, examples, keys, sample joins
  chatzy-export schema --format markdown > tables.md
      the same as a data dictionary
  chatzy-export schema --format json-schema   a JSON Schema of the lines of each table
  chatzy-export schema --format duckdb | duckdb warehouse.db
      creates the tables
  chatzy-export schema --merge duckdb --from ./export | duckdb warehouse.db
      loads the runs that are not loaded yet; a second time it changes nothing
  chatzy-export schema --merge postgres --from ./export | psql warehouse
      the same for an export with --format jsonl
  chatzy-export schema --latest duckdb --from ./export > latest.sql && duckdb -init latest.sql
      views latest_contacts, latest_messages, … over the files of all runs";

/// Explain the tables' columns, or print the SQL that loads them
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Format of the description
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: SchemaFormatName,
    /// Print the SQL that loads new runs: in one transaction, it replaces each contact that a run has read
    #[arg(long, value_name = "DIALECT", conflicts_with = "format")]
    pub merge: Option<DialectName>,
    /// Print the SQL of views with the latest version of each contact over all runs
    #[arg(long, value_name = "DIALECT", conflicts_with_all = ["format", "merge"])]
    pub latest: Option<DialectName>,
    /// Export to load or query: a folder, or the URL of one in an object store [default: a comment in the SQL shows where to set it]
    #[arg(long, value_name = "PATH", conflicts_with = "format", value_parser = export_path())]
    pub from: Option<Store>,
    /// Only this run [default: all runs with complete contacts]
    #[arg(long, value_name = "ID", requires = "from")]
    pub run: Option<RunId>,
    /// With --run: accept a run with partial contacts (--since, --until, --channel), for separate tables
    #[arg(long, requires = "run")]
    pub partial: bool,
}

/// Formats of the description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SchemaFormatName {
    /// Tables for people, as wide as the terminal
    Text,
    /// Markdown, as a data dictionary
    Markdown,
    /// Column names and Arrow types, as JSON
    Arrow,
    /// JSON Schema, draft 2020-12
    JsonSchema,
    /// SQL for DuckDB 1.3 or later
    Duckdb,
    /// SQL for PostgreSQL 14 or later
    Postgres,
}

/// Dialects of SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum DialectName {
    /// DuckDB 1.3 or later; reads Parquet and JSONL
    Duckdb,
    /// PostgreSQL 14 or later, through psql; takes JSONL
    Postgres,
}

impl From<DialectName> for Dialect {
    fn from(name: DialectName) -> Self {
        match name {
            DialectName::Duckdb => Self::DuckDb,
            DialectName::Postgres => Self::Postgres,
        }
    }
}
