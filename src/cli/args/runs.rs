//! The options of `runs`.

use clap::Args;

use super::LogFormat;
use super::path::export_path;
use crate::store::Store;

pub const EXAMPLES: &str = "\
Examples:
  chatzy-export runs ./export                       one line per run, the newest last
  chatzy-export runs ./export --json | jq -r '.runs[] | select(.kept == null) | .run_id'
      the runs that prune may remove

Columns: ID, status, start, duration, contacts, messages, size, kind, and the reason for which `prune` keeps the run without \
options. A run whose reason is \"held by ID\" holds contacts that run ID did not read again. A run without a reason can be
removed. The order is that of the chain of manifests. An unfinished run comes last, and the last line on stderr is the
command that resumes it. Removed runs are not listed.

Exit codes: 0 listed, 2 there is no export at PATH, 6 storage, 8 a manifest is damaged, and the other runs are listed.";

/// List the runs of an export
#[derive(Debug, Args)]
pub struct RunsArgs {
    /// Export: a folder, or the URL of one in an object store
    #[arg(value_parser = export_path())]
    pub path: Store,
    /// Print the runs as one JSON document on stdout
    #[arg(long)]
    pub json: bool,
    /// Show only the runs, and errors
    #[arg(short, long)]
    pub quiet: bool,
    /// Format of the log on stderr
    #[arg(long, value_name = "FORM", default_value = "text")]
    pub log_format: LogFormat,
}
