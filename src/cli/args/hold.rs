//! The options of `hold`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::common::{duration, reference};
use super::path::{export_path, input_file};
use super::{ContactsFormArgs, LogArgs, StoreArgs};
use crate::id::ContactId;
use crate::store::Store;

pub const EXAMPLES: &str = "\
Examples:
  chatzy-export hold ./export --reference CASE-7 --contacts people.csv
  chatzy-export hold ./export --reference CASE-8 --all --by 'Legal'
  chatzy-export hold ./export --list
  chatzy-export hold ./export --release CASE-7

While a hold is active, `prune` removes no run, and `erase` removes none of its contacts: both end with exit code 10 and
name the reference. Only --release ends a hold.

Exit codes: 0 complete, 2 usage, or there is no export at PATH, or no active hold has the reference, 6 storage, 7 another \
run is active, 8 holds.json is damaged.";

/// Forbid to remove runs or contacts, or list and release such holds
#[derive(Debug, Args)]
#[command(
    group = clap::ArgGroup::new("action").args(["reference", "release", "list"]).required(true),
    group = clap::ArgGroup::new("scope").args(["contacts", "contact", "all"]).conflicts_with_all(["release", "list"])
)]
pub struct HoldArgs {
    /// Export: a folder, or the URL of one in an object store
    #[arg(value_parser = export_path())]
    pub path: Store,
    /// Place a hold with this reference, such as the number of a case
    #[arg(long, value_name = "CASE", value_parser = reference, requires = "scope")]
    pub reference: Option<String>,
    /// Contacts file of the contacts that the hold covers, or the URL of an object; `-` is stdin
    #[arg(long, value_name = "FILE", value_parser = input_file())]
    pub contacts: Option<PathBuf>,
    /// Contact that the hold covers; may be given more than once
    #[arg(long, value_name = "ID")]
    pub contact: Vec<ContactId>,
    /// Cover all contacts
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub contacts_form: ContactsFormArgs,
    /// Person or office that places the hold, for the record
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["release", "list"])]
    pub by: Option<String>,
    /// Release the holds with this reference
    #[arg(long, value_name = "CASE", value_parser = reference)]
    pub release: Option<String>,
    /// Print all holds, one line per hold: reference, contacts, time of placement, time of release
    #[arg(long)]
    pub list: bool,
    /// Maximum time to wait for another run on this export [default: exit at once]
    #[arg(long, value_name = "D", value_parser = duration)]
    pub wait_lock: Option<Duration>,
    /// Print all holds as one JSON document on stdout
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub log: LogArgs,
}
