//! The options of `schema`.

use std::fmt;
use std::path::PathBuf;
use std::sync::LazyLock;

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use super::path::export_path;

use crate::id::RunId;
use crate::store::Store;
use crate::warehouse::{Dialect, Registry};

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
      views latest_contacts, latest_messages, … over the files of all runs
  chatzy-export schema --register iceberg --from ./export | python - sqlite:///catalog.db file:///data/warehouse
      lists the files of new runs in Iceberg tables; `--register ducklake` does it in a DuckLake
  chatzy-export schema --format dbt > models/chatzy.yml
      the tables as sources of dbt, with tests";

/// Explain the tables' columns, or print the SQL that loads them
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Format of the description
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: SchemaFormatName,
    /// Print the SQL that loads new runs: each contact that a run has read replaces its older version
    #[arg(long, value_name = "DIALECT", conflicts_with = "format")]
    pub merge: Option<DialectName>,
    /// Print the SQL of views with the latest version of each contact over all runs
    #[arg(long, value_name = "DIALECT", conflicts_with_all = ["format", "merge"])]
    pub latest: Option<DialectName>,
    /// Print a script that registers published files in a table format, without copying them
    #[arg(long, value_name = "FORMAT", conflicts_with_all = ["format", "merge", "latest"], requires = "from")]
    pub register: Option<RegistryName>,
    /// Export to load or query: a folder, or the URL of one in an object store [default: a comment in the SQL shows where to set it]
    #[arg(long, value_name = "PATH", conflicts_with = "format", value_parser = export_path())]
    pub from: Option<Store>,
    /// Leave out the runs in this list, one ID per line, because the database has them; `-` is stdin [default: the SQL skips them, but their files are read]
    #[arg(long, value_name = "FILE", requires = "from")]
    pub loaded: Option<PathBuf>,
    /// Only this run [default: all runs with complete contacts]
    #[arg(long, value_name = "ID", requires = "from")]
    pub run: Option<RunId>,
    /// With --run: accept a run with partial contacts (--since, --until, --channel), for separate tables
    #[arg(long, requires = "run")]
    pub partial: bool,
}

/// Formats of the description.
#[derive(Clone, Copy)]
pub enum SchemaFormatName {
    /// Tables for people.
    Text,
    /// A data dictionary.
    Markdown,
    /// Names and Arrow types as JSON.
    Arrow,
    /// Sources of dbt.
    Dbt,
    /// A JSON Schema.
    JsonSchema,
    /// SQL that creates the tables.
    Sql(&'static Dialect),
}

/// A dialect of SQL.
#[derive(Clone, Copy)]
pub struct DialectName(pub &'static Dialect);

impl DialectName {
    fn value(self, help: String) -> PossibleValue {
        PossibleValue::new(self.0.name).aliases(self.0.aliases).help(help)
    }
}

impl ValueEnum for SchemaFormatName {
    fn value_variants<'a>() -> &'a [Self] {
        static ALL: LazyLock<Vec<SchemaFormatName>> = LazyLock::new(|| {
            use SchemaFormatName::{Arrow, Dbt, JsonSchema, Markdown, Sql, Text};
            [Text, Markdown, Arrow, JsonSchema, Dbt].into_iter().chain(Dialect::ALL.map(Sql)).collect()
        });
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            Self::Text => ("text", "Tables for people, as wide as the terminal"),
            Self::Markdown => ("markdown", "Markdown, as a data dictionary"),
            Self::Arrow => ("arrow", "Column names and Arrow types, as JSON"),
            Self::JsonSchema => ("json-schema", "JSON Schema, draft 2020-12"),
            Self::Dbt => ("dbt", "Sources of dbt, with descriptions and tests"),
            Self::Sql(dialect) => {
                return Some(DialectName(dialect).value(format!("SQL for {}", dialect.version)));
            }
        };
        Some(PossibleValue::new(name).help(help))
    }
}

impl ValueEnum for DialectName {
    fn value_variants<'a>() -> &'a [Self] {
        static ALL: LazyLock<Vec<DialectName>> = LazyLock::new(|| Dialect::ALL.map(DialectName).to_vec());
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(self.value(self.0.help.to_owned()))
    }
}

/// A table format that lists files.
#[derive(Clone, Copy)]
pub struct RegistryName(pub &'static Registry);

impl ValueEnum for RegistryName {
    fn value_variants<'a>() -> &'a [Self] {
        static ALL: LazyLock<Vec<RegistryName>> = LazyLock::new(|| Registry::ALL.map(RegistryName).to_vec());
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name).help(self.0.help))
    }
}

impl fmt::Debug for RegistryName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0.name)
    }
}

impl fmt::Debug for DialectName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0.name)
    }
}

impl fmt::Debug for SchemaFormatName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.to_possible_value().as_ref().map_or("", PossibleValue::get_name))
    }
}
