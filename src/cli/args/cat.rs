//! The options of `cat`.

use std::sync::LazyLock;

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use super::LogFormat;
use super::path::export_path;
use crate::store::Store;
use crate::table::Table;

pub const EXAMPLES: &str = "\
Examples:
  chatzy-export cat ./export messages | jq -r .content
  chatzy-export cat ./export coverage | grep '\"status\":\"failed\"'
  chatzy-export cat s3://bucket/chats contacts --run 20261120T020000Z-ab12cd | gzip > contacts.jsonl.gz
  chatzy-export cat ./export messages --format arrow > messages.arrows
      then, in Python: polars.read_ipc_stream('messages.arrows')

The rows are those of one run, in the order of its files. A snapshot has those of all runs. Each file is compared with the
SHA-256 in the manifest before its first row is printed.

Exit codes: 0 printed, 2 there is no such export or run, 6 storage, or stdout is full, 8 a file is damaged: none of its rows is
printed, but those of the files before it are.";

/// Print a table of a run
#[derive(Debug, Args)]
pub struct CatArgs {
    /// Export: a folder, or the URL of one in an object store
    #[arg(value_parser = export_path())]
    pub path: Store,
    /// Table to print
    #[arg(value_enum)]
    pub table: TableName,
    /// Run to print [default: the newest]
    #[arg(long, value_name = "ID")]
    pub run: Option<String>,
    /// Form of the rows
    #[arg(long, value_name = "FORMAT", default_value = "jsonl")]
    pub format: RowFormatName,
    /// Format of the log on stderr
    #[arg(long, value_name = "FORM", default_value = "text")]
    pub log_format: LogFormat,
}

/// Form of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RowFormatName {
    /// One JSON object per line, as `run --format jsonl` writes them
    Jsonl,
    /// An Arrow IPC stream, with the types of the Parquet files
    Arrow,
}

/// One of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableName(pub Table);

impl ValueEnum for TableName {
    fn value_variants<'a>() -> &'a [Self] {
        static ALL: LazyLock<[TableName; 5]> = LazyLock::new(|| Table::ALL.map(TableName));
        ALL.as_slice()
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name()))
    }
}
