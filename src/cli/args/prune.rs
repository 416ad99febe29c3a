//! The options of `prune`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::LogArgs;
use super::common::duration;
use super::path::local_path;

pub const EXAMPLES: &str = "\
Examples:
  chatzy-export prune ./export --keep-last 14 --dry-run
  chatzy-export prune ./export --keep-last 14
  chatzy-export prune ./export --keep-within 90d --json

Always kept are the newest run, the newest complete run, and the runs that incremental runs need. Only files that the
manifest of a removed run names are removed. stdout has one line per removed run: ID, files and bytes, separated by tabs.
After an interruption, run the same command again.

Exit codes: 0 complete, 2 usage, or there is no export at PATH, 6 storage, 7 another run is active, 8 latest.json, its run or
a state is damaged.";

/// Remove old runs with their files
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("keep").args(["keep_last", "keep_within"]).required(true).multiple(true))]
pub struct PruneArgs {
    /// Folder of the export
    #[arg(value_parser = local_path())]
    pub path: PathBuf,
    /// Keep the newest N runs; with --keep-within, keep the runs that either option keeps
    #[arg(long, value_name = "N")]
    pub keep_last: Option<NonZeroUsize>,
    /// Keep runs that ended within this time before the end of the newest run, such as 90d
    #[arg(long, value_name = "D", value_parser = duration)]
    pub keep_within: Option<Duration>,
    /// Print the runs that would be removed; remove nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print removed and kept runs as one JSON document on stdout
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub log: LogArgs,
}
