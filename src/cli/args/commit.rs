//! The options of `commit`.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::common::duration;
use super::path::{export_path, local_path};
use super::{LogArgs, ProgressArgs, StoreArgs};
use crate::id::{RunId, Shard};
use crate::store::Store;

pub const EXAMPLES: &str = "\
Examples:
  chatzy-export run --contacts ids.txt --out ./export --run-id 20261130T020000Z-nightly --shard 0/2
  chatzy-export run --contacts ids.txt --out ./export --run-id 20261130T020000Z-nightly --shard 1/2
  chatzy-export commit ./export --run-id 20261130T020000Z-nightly --shards 2

After an interruption, run the same command again. If the run is published already, it changes nothing.

Exit codes: 0 complete, 2 usage, 3 published but contacts failed, are unresolved or do not exist, 5 shards are missing, \
6 storage, 7 another command works on the export, 8 the manifest or a file of a shard is damaged, 9 the shards have \
different options, input or versions, 130/143 interrupted.";

/// Publish the shards of a run as one run
#[derive(Debug, Args)]
pub struct CommitArgs {
    /// Export: a folder, or the URL of one in an object store
    #[arg(value_parser = export_path())]
    pub path: Store,
    /// ID of the run, as in the commands of the shards
    #[arg(long, value_name = "ID")]
    pub run_id: RunId,
    /// Number of shards of the run
    #[arg(long, value_name = "N", value_parser = shards)]
    pub shards: NonZeroU32,
    /// Maximum time to wait for another command on this export [default: exit at once]
    #[arg(long, value_name = "D", value_parser = duration)]
    pub wait_lock: Option<Duration>,
    /// Local folder for the records of an interrupted commit; required if the export is a URL
    #[arg(long, value_name = "DIR", value_parser = local_path())]
    pub work_dir: Option<PathBuf>,
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

fn shards(text: &str) -> Result<NonZeroU32, String> {
    let number: NonZeroU32 = text.parse().map_err(|_| "not a number above 0".to_owned())?;
    match Shard::new(0, number) {
        Ok(_) => Ok(number),
        Err(error) => Err(error.to_string()),
    }
}
