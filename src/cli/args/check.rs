//! The options of `check`.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::Args;

use super::common::concurrency;
use super::path::{export_path, input_file, local_path};
use super::{BuiltInArgs, ConnectionArgs, ContactsFormArgs, LogArgs, ProgressArgs, RequestArgs, StoreArgs};
use crate::store::Store;

pub const EXAMPLES: &str = "\
Examples:
  chatzy-export check --simulated
      a first try: checks a built-in API
  CHATZY_EMAIL=me@example.com CHATZY_PASSWORD_FILE=~/.chatzy chatzy-export check --out ./export
      the real service, for a run of all contacts of the account
  chatzy-export check --contacts contacts.csv --out ./export --rate-limit 20
      with the options of the run that you plan
  chatzy-export check --out ./export --json | jq .plan
  chatzy-export check --out s3://bucket/chats --work-dir ./work

`check` writes a small folder at the destination, or an object and a small folder in --work-dir, and removes them at once.
It does not create the destination.

Exit codes: 0 a run would work, perhaps with warnings, 2 usage, no contacts, or not the API, 4 sign-in refused, \
5 API unavailable, 6 storage, 7 another run is active, 130/143 interrupted. If several checks fail, the exit code is the \
first of 2, 4, 6, 5 and 7.";

/// Check credentials, API behavior and output folder, and estimate a run
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Contacts file, or the URL of an object: CSV with a column `contact_id`, or one ID per line; `-` is stdin [default: all contacts
    /// of the account]
    #[arg(long, value_name = "FILE", value_parser = input_file())]
    pub contacts: Option<PathBuf>,
    #[command(flatten)]
    pub contacts_form: ContactsFormArgs,
    /// Export, which need not exist: a folder, or the URL of one in an object store [default: none is checked]
    #[arg(long, value_name = "PATH", value_parser = export_path())]
    pub out: Option<Store>,
    /// Work folder of the run [default: _work in the folder of --out; required if --out is a URL]
    #[arg(long, value_name = "DIR", requires = "out", value_parser = local_path(), help_heading = "The run")]
    pub work_dir: Option<PathBuf>,
    #[command(flatten)]
    pub store: StoreArgs,

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
    #[command(flatten)]
    pub progress: ProgressArgs,
}
