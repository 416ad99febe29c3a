//! The options of `erase`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::common::{duration, reference};
use super::path::{export_path, input_file, local_path};
use super::{ContactsFormArgs, LogArgs, StoreArgs};
use crate::id::ContactId;
use crate::store::Store;

pub const EXAMPLES: &str = "\
Examples:
  chatzy-export erase ./export --contact 096662f6-5acc-4699-923c-0123456789ab --reference DSAR-17 --dry-run
  chatzy-export erase ./export --contact 096662f6-5acc-4699-923c-0123456789ab --reference DSAR-17
  chatzy-export erase ./export --contacts people.csv --reference DSAR-18 --reason 'GDPR Art. 17' --by 'Privacy office'
  chatzy-export erase ./export --finish

Every file of every run that holds rows of the contacts is written anew without them. Manifests stay as they are:
_runs/erased.json records what replaced what, and `verify` knows it. Later runs leave the contacts out. stdout has one line
per changed run: ID, contacts, rows, replaced files and removed files, separated by tabs. After an interruption, run the
same command again, or --finish.

Exit codes: 0 complete, 2 usage, or there is no export at PATH, 3 complete, but no run holds some of the contacts, 6 storage, \
7 another run is active, 8 the export is damaged, 9 a run is unfinished, 10 a hold covers a contact.";

/// Remove contacts from every run of an export
#[derive(Debug, Args)]
#[command(
    group = clap::ArgGroup::new("which").args(["contacts", "contact", "finish"]).required(true)
)]
pub struct EraseArgs {
    /// Export: a folder, or the URL of one in an object store
    #[arg(value_parser = export_path())]
    pub path: Store,
    /// Contacts file of the contacts to erase, or the URL of an object; `-` is stdin
    #[arg(long, value_name = "FILE", value_parser = input_file(), requires = "reference")]
    pub contacts: Option<PathBuf>,
    /// Contact to erase; may be given more than once
    #[arg(long, value_name = "ID", requires = "reference")]
    pub contact: Vec<ContactId>,
    #[command(flatten)]
    pub contacts_form: ContactsFormArgs,
    /// Reference for the record, such as the number of the request
    #[arg(long, value_name = "TEXT", value_parser = reference, conflicts_with = "finish")]
    pub reference: Option<String>,
    /// Reason, for the record
    #[arg(long, value_name = "TEXT", conflicts_with = "finish")]
    pub reason: Option<String>,
    /// Person or office that orders it, for the record
    #[arg(long, value_name = "TEXT", conflicts_with = "finish")]
    pub by: Option<String>,
    /// Finish an interrupted erasure
    #[arg(long)]
    pub finish: bool,
    /// Count what would be erased; change nothing
    #[arg(long, conflicts_with = "finish")]
    pub dry_run: bool,
    /// Sign the record of erasures with this Ed25519 key of OpenSSH: writes `_runs/erased.json.sig`
    ///
    /// The key has no passphrase, and no other user may read its file. With --finish, an existing record is signed.
    #[arg(long, value_name = "KEY", value_parser = local_path(), conflicts_with = "dry_run")]
    pub sign: Option<PathBuf>,
    /// Maximum time to wait for another run on this export [default: exit at once]
    #[arg(long, value_name = "D", value_parser = duration)]
    pub wait_lock: Option<Duration>,
    /// Print the result as one JSON document on stdout
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub store: StoreArgs,
    #[command(flatten)]
    pub log: LogArgs,
}
