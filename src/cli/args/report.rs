//! The options of `report`.

use std::path::PathBuf;

use clap::Args;

use super::LogFormat;
use super::path::local_path;

/// Shown below the help.
pub const EXAMPLES: &str = "\
Examples:
  chatzy-export report ./export -o report.html      the newest run, as a page for any browser
  chatzy-export report ./export --run 20261120T020000Z-ab12cd -o - | gzip > report.html.gz

The page needs no network and no scripts. It holds the IDs and errors of contacts that failed, so the file is
its owner's only.

Exit codes: 0 written, 2 there is no such export or run, 6 storage, 8 the export is damaged (`verify` tells more).";

/// Make a page that shows how a run went
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The folder of the export
    #[arg(value_parser = local_path())]
    pub path: PathBuf,
    /// Another run than the newest
    #[arg(long, value_name = "ID")]
    pub run: Option<String>,
    /// Where to put the page; `-` is stdout, which must then be no terminal
    #[arg(short, long, value_name = "FILE", default_value = "-", value_parser = local_path())]
    pub output: PathBuf,
    /// Only errors
    #[arg(short, long)]
    pub quiet: bool,
    /// Form of the messages on stderr
    #[arg(long, value_name = "FORM", default_value = "text")]
    pub log_format: LogFormat,
}
