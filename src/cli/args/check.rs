//! The options of `check`.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::Args;

use super::common::concurrency;
use super::path::local_path;
use super::{BuiltInArgs, ConnectionArgs, ContactsFormArgs, LogArgs, RequestArgs};

pub const EXAMPLES: &str = "\
Examples:
  chatzy-export check --simulated
      a first try: checks a built-in API
  CHATZY_EMAIL=me@example.com CHATZY_PASSWORD_FILE=~/.chatzy chatzy-export check --out ./export
      the real service, for a run of all contacts of the account
  chatzy-export check --contacts contacts.csv --out ./export --rate-limit 20
      with the options of the run that you plan
  chatzy-export check --out ./export --json | jq .plan

`check` writes a small folder at the destination and removes it at once. It does not create the destination.

Exit codes: 0 a run would work, perhaps with warnings, 2 usage, no contacts, or not the API, 4 sign-in refused,
5 API unavailable, 6 storage, 7 another run is active, 130/143 interrupted. If several checks fail, the exit code is the
first of 2, 4, 6, 5 and 7.";

/// Check credentials, API behavior and output folder, and estimate a run
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Contacts file: CSV with a column `contact_id`, or one ID per line; `-` is stdin [default: all contacts
    /// of the account]
    #[arg(long, value_name = "FILE", value_parser = local_path())]
    pub contacts: Option<PathBuf>,
    #[command(flatten)]
    pub contacts_form: ContactsFormArgs,
    /// Folder of the export, which need not exist [default: no folder is checked]
    #[arg(long, value_name = "PATH", value_parser = local_path())]
    pub out: Option<PathBuf>,

    /// Messages per request, 1 to 100
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100), help_heading = "Requests")]
    pub page_size: u32,
    /// Maximum number of requests in flight in the run, 1 to 1024
    #[arg(long, value_name = "N", default_value = "32", value_parser = concurrency, help_heading = "Requests")]
    pub concurrency: NonZeroU32,
    #[command(flatten)]
    pub requests: RequestArgs,
    #[command(flatten)]
    pub built_in: BuiltInArgs,
    /// Print the results and the plan as one JSON document on stdout
    #[arg(long, help_heading = "Output and logging")]
    pub json: bool,

    #[command(flatten)]
    pub connection: ConnectionArgs,
    #[command(flatten)]
    pub log: LogArgs,
}
