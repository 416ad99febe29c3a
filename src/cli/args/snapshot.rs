//! The options of `snapshot`.

use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use clap::Args;

use super::common::duration;
use super::path::{export_path, local_path};
use super::{FormatName, LogArgs, ProgressArgs, StoreArgs};
use crate::id::RunId;
use crate::settings::{PartitionKey, TableFormat};
use crate::store::Store;

pub const EXAMPLES: &str = "\
Examples:
  chatzy-export snapshot ./export --out ./latest
      then, in Python: pandas.read_parquet('./latest/messages')
  chatzy-export snapshot ./export --out ./latest --replace
      every night, after the incremental run
  chatzy-export snapshot ./export --out ./lines --format jsonl --compression zstd --partition-by month

Each contact has the rows of the newest run that has read it. A contact that failed later keeps these rows.
Runs with --since, --until or --channel are left out. In all rows, exported_at and run_id are those of the snapshot.
While an old snapshot is replaced, a reader of all files may for a moment see contacts twice. A reader of the manifest
never does. After a crash, a kill or a full disk, run the same command again. It starts over, or completes the
publication.

Exit codes: 0 complete, 2 usage, or there is no export at PATH, 3 complete, but some contacts were never read or are
unresolved, 6 storage, 7 another command works on --out, 8 a file of the export is damaged, 9 --out has another snapshot
or other runs, 10 a hold is on the snapshot to be replaced, 130/143 interrupted.";

/// Write the newest version of each contact as an export of its own
#[derive(Debug, Args)]
pub struct SnapshotArgs {
    /// Export: a folder, or the URL of one in an object store
    #[arg(value_parser = export_path())]
    pub path: Store,
    /// Export to write, outside of PATH: a folder, or the URL of one in an object store
    #[arg(long, value_name = "PATH", value_parser = export_path())]
    pub out: Store,
    /// Replace the snapshot in --out: publish the new one, then remove the old one
    #[arg(long)]
    pub replace: bool,

    /// Format of the data files
    #[arg(long, value_name = "FORMAT", default_value = "parquet", help_heading = "Files")]
    pub format: FormatName,
    /// Parquet: zstd[:1-22], snappy, none [default: zstd]; JSONL: none, gzip, zstd[:1-22] [default: none]
    #[arg(long, value_name = "CODEC", help_heading = "Files")]
    pub compression: Option<String>,
    /// Partition keys, as folders below each table in the given order
    #[arg(long, value_name = "KEYS", value_delimiter = ',', help_heading = "Files")]
    pub partition_by: Vec<PartitionKey>,
    /// Table format of the export: `delta` adds a Delta log to each table, for programs that read Delta tables
    ///
    /// The logs name the files of all runs. They require `--format parquet`. See docs/warehouse.md.
    #[arg(long, value_name = "FORMAT", default_value = "none", help_heading = "Files")]
    pub table_format: TableFormat,
    /// Size after which the next contact starts a new file
    #[arg(long, value_name = "SIZE", default_value = "256MB", help_heading = "Files")]
    pub target_file_size: ByteSize,
    /// ID of the snapshot, part of the file names [default: the time and six random characters]
    #[arg(long, value_name = "ID", help_heading = "Files")]
    pub run_id: Option<RunId>,

    /// Maximum time to wait for another command on this folder [default: exit at once]
    #[arg(long, value_name = "D", value_parser = duration, help_heading = "The run")]
    pub wait_lock: Option<Duration>,
    /// Work folder of an unfinished snapshot; required if --out is a URL [default: _work in the folder of --out]
    ///
    /// A folder inside an export is refused, except _work in that of --out.
    #[arg(long, value_name = "DIR", value_parser = local_path(), help_heading = "The run")]
    pub work_dir: Option<PathBuf>,
    /// Discard an unfinished run instead of resuming it
    #[arg(long, help_heading = "The run")]
    pub fresh: bool,
    #[command(flatten)]
    pub store: StoreArgs,
    /// Print the manifest as one JSON document on stdout
    #[arg(long, help_heading = "Output and logging")]
    pub json: bool,

    #[command(flatten)]
    pub log: LogArgs,
    #[command(flatten)]
    pub progress: ProgressArgs,
}
