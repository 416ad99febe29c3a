//! The options of `report`.

use std::path::PathBuf;

use clap::Args;

use super::LogFormat;
use super::path::{export_path, local_path};
use crate::store::Store;

pub const EXAMPLES: &str = "\
Examples:
  chatzy-export report ./export -o report.html      the newest run, as a page for any browser
  chatzy-export report ./export --run 20261120T020000Z-ab12cd -o - | gzip > report.html.gz

The page needs no network and no scripts. It contains the IDs and errors of contacts that failed, so only its owner can
read the file.

Exit codes: 0 written, 2 there is no such export or run, 6 storage, 8 the export is damaged (see `verify`).";

/// Write an HTML report of a run
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Export: a folder, or the URL of one in an object store
    #[arg(value_parser = export_path())]
    pub path: Store,
    /// Run to report [default: the newest]
    #[arg(long, value_name = "ID")]
    pub run: Option<String>,
    /// File to write; `-` is stdout, which must not be a terminal
    #[arg(short, long, value_name = "FILE", default_value = "-", value_parser = local_path())]
    pub output: PathBuf,
    /// Show only errors
    #[arg(short, long)]
    pub quiet: bool,
    /// Format of the log on stderr
    #[arg(long, value_name = "FORM", default_value = "text")]
    pub log_format: LogFormat,
}
