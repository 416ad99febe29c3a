//! The options of `schema`.

use std::path::PathBuf;

use clap::Args;

use super::path::local_path;

use crate::id::RunId;
use crate::warehouse::Dialect;

pub const EXAMPLES: &str = "\
Examples:
  chatzy-export schema                        the columns with their Arrow types, as JSON
  chatzy-export schema --format json-schema   a JSON Schema of the lines of each table
  chatzy-export schema --format duckdb | duckdb warehouse.db
      creates the tables
  chatzy-export schema --merge duckdb --from ./export | duckdb warehouse.db
      loads the runs that are not loaded yet; a second time it changes nothing
  chatzy-export schema --merge postgres --from ./export | psql warehouse
      the same for an export with --format jsonl
  chatzy-export schema --latest duckdb --from ./export > latest.sql && duckdb -init latest.sql
      views latest_contacts, latest_messages, … over the files of all runs";

/// Print the tables' columns, or the SQL that loads them
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Format of the description
    #[arg(long, value_name = "FORMAT", default_value = "arrow")]
    pub format: SchemaFormatName,
    /// Print the SQL that loads new runs: in one transaction, it replaces each contact that a run has read
    #[arg(long, value_name = "DIALECT", conflicts_with = "format")]
    pub merge: Option<DialectName>,
    /// Print the SQL of views with the latest version of each contact over all runs
    #[arg(long, value_name = "DIALECT", conflicts_with_all = ["format", "merge"])]
    pub latest: Option<DialectName>,
    /// Folder of the export to load or query [default: a comment in the SQL shows where to set it]
    #[arg(long, value_name = "PATH", conflicts_with = "format", value_parser = local_path())]
    pub from: Option<PathBuf>,
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
    /// Column names and Arrow types
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
