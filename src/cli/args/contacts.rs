//! The options of `contacts`.

use clap::Args;

use super::path::{OutputFile, output_file};
use super::{BuiltInArgs, ConnectionArgs, LogArgs, ProgressArgs, RequestArgs};
use crate::settings::ListFilter;

pub const EXAMPLES: &str = "\
Examples:
  chatzy-export contacts --simulated
      a first try: lists the contacts of a built-in API
  CHATZY_EMAIL=me@example.com CHATZY_PASSWORD_FILE=~/.chatzy chatzy-export contacts --out contacts.csv
  chatzy-export run --contacts contacts.csv --out ./export
      the list is a contacts file for run
  chatzy-export contacts --out s3://bucket/lists/contacts.csv
  chatzy-export contacts --filter live --active-since 7d --format jsonl | jq .contact_name
  chatzy-export contacts --out - | chatzy-export run --contacts - --out ./export
  chatzy-export contacts --search ada@example.com
      the contacts that run --search exports

Columns: contact_id, contact_name, phone_number, email, conversation_status, assigned_to, unread_message_count, \
latest_message_time, channels. The latest activity comes first. In CSV, ';' separates the channels.

Exit codes: 0 complete, 2 usage, 3 listed but some contacts may be missing, 4 sign-in refused, 5 API unavailable, \
6 storage, 130/143 interrupted.";

/// List the account's contacts into a contacts file
#[derive(Debug, Args)]
pub struct ContactsArgs {
    /// File to write, or the URL of an object in a store; `-` is stdout
    #[arg(long, value_name = "FILE", default_value = "-", value_parser = output_file())]
    pub out: OutputFile,
    /// Format of the list [default: jsonl for files named .jsonl or .ndjson, otherwise csv]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<ListFormatName>,

    /// Filter applied by the service
    #[arg(long, value_name = "FILTER", default_value = "all", help_heading = "Contacts to list")]
    pub filter: ListFilter,
    /// Only contacts for which the service finds this text
    #[arg(long, value_name = "TEXT", help_heading = "Contacts to list")]
    pub search: Option<String>,
    /// Only contacts active at or after this time, and contacts without a time: 7d, yesterday, 2026-01, 2026-01-31 or
    /// RFC 3339, in UTC
    #[arg(long, value_name = "TIME", help_heading = "Contacts to list")]
    pub active_since: Option<String>,

    /// Contacts per request, 1 to 100
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100), help_heading = "Requests")]
    pub page_size: u32,
    #[command(flatten)]
    pub requests: RequestArgs,
    #[command(flatten)]
    pub built_in: BuiltInArgs,
    /// Print a summary as one JSON document on stdout; requires --out FILE
    #[arg(long, help_heading = "Output and logging")]
    pub json: bool,

    #[command(flatten)]
    pub connection: ConnectionArgs,
    #[command(flatten)]
    pub log: LogArgs,
    #[command(flatten)]
    pub progress: ProgressArgs,
}

/// Formats of a contact list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ListFormatName {
    /// A header and one line per contact: a contacts file
    Csv,
    /// One JSON object per line
    Jsonl,
}

impl ContactsArgs {
    /// Returns the format of `--format`. Without the option, the file name decides.
    pub fn form(&self) -> ListFormatName {
        let path = self.out.path().unwrap_or_default();
        let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_lowercase);
        match (self.format, extension.as_deref()) {
            (Some(format), _) => format,
            (None, Some("jsonl" | "ndjson")) => ListFormatName::Jsonl,
            (None, _) => ListFormatName::Csv,
        }
    }
}
