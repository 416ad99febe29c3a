//! The options of `prune`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::LogArgs;
use super::common::duration;
use super::path::local_path;

/// Shown below the help.
pub const EXAMPLES: &str = "\
Examples:
  chatzy-export prune ./export --keep-last 14 --dry-run
  chatzy-export prune ./export --keep-last 14
  chatzy-export prune ./export --keep-within 90d --json

The newest run stays, and so does the newest that is complete, and what later increments rest on. Only files that the manifest
of a removed run names are removed. On stdout stands a line for each run: its ID, files and bytes, with tabs between them.
Stopped at any instant, the same command goes on.

Exit codes: 0 done, 2 usage, or there is no export at PATH, 6 storage, 7 another run works here, 8 latest.json or its run is damaged.";

/// Remove old runs with their files
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("keep").args(["keep_last", "keep_within"]).required(true).multiple(true))]
pub struct PruneArgs {
    /// The folder of the export
    #[arg(value_parser = local_path())]
    pub path: PathBuf,
    /// Keep so many runs, the newest; with --keep-within those that either keeps
    #[arg(long, value_name = "N")]
    pub keep_last: Option<NonZeroUsize>,
    /// Keep runs that ended at most so long before the newest did, like 90d
    #[arg(long, value_name = "D", value_parser = duration)]
    pub keep_within: Option<Duration>,
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
    /// What was removed and what stays, as one JSON document on stdout
    #[arg(long)]
    pub json: bool,
    /// How to log.
    #[command(flatten)]
    pub log: LogArgs,
}
