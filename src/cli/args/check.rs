//! The options of `check`.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::Args;

use super::common::concurrency;
use super::path::local_path;
use super::{BuiltInArgs, ConnectionArgs, ContactsFormArgs, LogArgs, RequestArgs};

/// Shown below the help.
pub const EXAMPLES: &str = "\
Examples:
  chatzy-export check --simulated
      a first try: looks at a built-in API
  CHATZY_EMAIL=me@example.com CHATZY_PASSWORD_FILE=~/.chatzy chatzy-export check --out ./export
      the real service, for a run of all contacts of the account
  chatzy-export check --contacts contacts.csv --out ./export --rate-limit 20
      the same options as the run to come: the plan is made for them
  chatzy-export check --out ./export --json | jq .plan

`check` writes a small folder at the destination and removes it at once. It does not create the destination.

Exit codes: 0 a run would work, perhaps with warnings; else what it would end with: 2 usage, no contacts, or not the API,
4 sign-in refused, 5 API unavailable, 6 storage, 7 another run works here, 130/143 interrupted. Of several the one that
somebody has to mend: 2 before 4, 6, 5 and 7.";

/// Test sign-in, the API's ways and the destination, and plan a run
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// CSV with a column `contact_id`, or one ID a line; `-` is stdin [default: every contact of the account]
    #[arg(long, value_name = "FILE", value_parser = local_path())]
    pub contacts: Option<PathBuf>,
    /// The form of that file.
    #[command(flatten)]
    pub contacts_form: ContactsFormArgs,
    /// Folder of the export, there or not [default: none is looked at]
    #[arg(long, value_name = "PATH", value_parser = local_path())]
    pub out: Option<PathBuf>,

    /// Messages asked for at once, 1 to 100
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100), help_heading = "Requests")]
    pub page_size: u32,
    /// Most requests in flight that the run may have, 1 to 1024
    #[arg(long, value_name = "N", default_value = "32", value_parser = concurrency, help_heading = "Requests")]
    pub concurrency: NonZeroU32,
    /// How hard the service is pressed.
    #[command(flatten)]
    pub requests: RequestArgs,
    /// The built-in API.
    #[command(flatten)]
    pub built_in: BuiltInArgs,
    /// What was found, and the plan, as one JSON document on stdout
    #[arg(long, help_heading = "Messages")]
    pub json: bool,

    /// The service.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// What to tell.
    #[command(flatten)]
    pub log: LogArgs,
}
