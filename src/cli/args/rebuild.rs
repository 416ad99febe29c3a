//! The options of `rebuild`.

use bytesize::ByteSize;
use clap::Args;

use super::path::export_path;
use super::{FormatName, LogArgs, ProgressArgs, ThreadArgs, WorkArgs};
use crate::id::RunId;
use crate::settings::{PartitionKey, TableFormat};
use crate::store::Store;

pub const EXAMPLES: &str = "\
Examples:
  chatzy-export run --contacts contacts.csv --out ./export --keep-raw
  chatzy-export rebuild --from ./export --out ./again
      the tables of the newest run, byte for byte identical
  chatzy-export rebuild --from ./export --run 20261120T020000Z-ab12cd --out ./lines --format jsonl --partition-by month

After a crash, a kill or a full disk, run the same command again. It starts over, or completes the publication.

Exit codes: 0 complete, 2 usage, or the run has no raw archive, 3 complete, but some contacts had failed or were unresolved, \
6 storage, 7 another run is active, 8 the archive is damaged, 9 an unfinished run does not fit, or the newest run has a \
different layout, 130/143 interrupted.";

/// Rebuild the tables from a raw archive, without the API
#[derive(Debug, Args)]
pub struct RebuildArgs {
    /// Export with a raw archive: a folder, or the URL of one in an object store
    #[arg(long, value_name = "PATH", value_parser = export_path())]
    pub from: Store,
    /// Run to rebuild [default: the newest]
    #[arg(long, value_name = "ID")]
    pub run: Option<RunId>,
    /// New export: a folder, or the URL of one in an object store
    #[arg(long, value_name = "PATH", value_parser = export_path())]
    pub out: Store,

    /// Format of the data files [default: unchanged]
    #[arg(long, value_name = "FORMAT", help_heading = "Files")]
    pub format: Option<FormatName>,
    /// Parquet: zstd[:1-22], snappy, none; JSONL: none, gzip, zstd[:1-22] [default: unchanged, or that of
    /// --format]
    #[arg(long, value_name = "CODEC", help_heading = "Files")]
    pub compression: Option<String>,
    /// Partition keys as for `run`, or `none` [default: unchanged]
    #[arg(long, value_name = "KEYS", value_parser = partition_keys, help_heading = "Files")]
    pub partition_by: Option<PartitionKeys>,
    /// Table format of the new export: `delta` adds a Delta log to each table [default: unchanged]
    #[arg(long, value_name = "FORMAT", help_heading = "Files")]
    pub table_format: Option<TableFormat>,
    /// Size after which the next contact starts a new file [default: unchanged]
    #[arg(long, value_name = "SIZE", help_heading = "Files")]
    pub target_file_size: Option<ByteSize>,
    /// Copy the raw archive to the new export
    #[arg(long, help_heading = "Files")]
    pub keep_raw: bool,

    #[command(flatten)]
    pub threads: ThreadArgs,
    #[command(flatten)]
    pub work: WorkArgs,
    /// Print the manifest as one JSON document on stdout
    #[arg(long, help_heading = "Output and logging")]
    pub json: bool,

    #[command(flatten)]
    pub log: LogArgs,
    #[command(flatten)]
    pub progress: ProgressArgs,
}

/// Partition keys of `--partition-by`. The list is empty for `none`.
#[derive(Clone, Debug)]
pub struct PartitionKeys(pub Vec<PartitionKey>);

fn partition_keys(text: &str) -> Result<PartitionKeys, String> {
    if text == "none" {
        return Ok(PartitionKeys(Vec::new()));
    }
    let key = |name: &str| {
        let key = <PartitionKey as clap::ValueEnum>::from_str(name, false);
        key.map_err(|_| {
            format!("unknown key {name:?}: use export_date, run, channel, year, month or date, or none alone")
        })
    };
    text.split(',').map(key).collect::<Result<_, _>>().map(PartitionKeys)
}
