//! The options of `prune`.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::Args;

use super::common::duration;
use super::path::export_path;
use super::{LogArgs, StoreArgs};
use crate::store::Store;

pub const EXAMPLES: &str = "\
Examples:
  chatzy-export prune ./export --keep-last 14 --dry-run
  chatzy-export prune ./export --keep-last 14
  chatzy-export prune ./export --keep-within 90d --json

Always kept are the newest run, the newest complete run, and the runs that incremental runs need. Only files that the
manifest of a removed run names are removed, and files of shards that nobody has committed for 7 days. stdout has one line per removed run: ID, files and bytes, separated by tabs.
After an interruption, run the same command again.

Exit codes: 0 complete, 2 usage, or there is no export at PATH, 6 storage, 7 another run is active, 8 latest.json, its run or \
a state is damaged, 10 a hold is active.";

/// Remove old runs with their files
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("keep").args(["keep_last", "keep_within"]).required(true).multiple(true))]
pub struct PruneArgs {
    /// Export: a folder, or the URL of one in an object store
    #[arg(value_parser = export_path())]
    pub path: Store,
    /// Keep the newest N runs; with --keep-within, keep the runs that either option keeps
    #[arg(long, value_name = "N")]
    pub keep_last: Option<NonZeroUsize>,
    /// Keep runs that ended within this time before the end of the newest run, such as 90d
    #[arg(long, value_name = "D", value_parser = duration)]
    pub keep_within: Option<Duration>,
    /// Maximum time to wait for another run on this export [default: exit at once]
    #[arg(long, value_name = "D", value_parser = duration)]
    pub wait_lock: Option<Duration>,
    /// Print the runs that would be removed; remove nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print removed and kept runs as one JSON document on stdout
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub log: LogArgs,
}
