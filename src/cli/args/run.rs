//! The options of `run`.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use clap::Args;

use super::common::{concurrency, duration, reference};
use super::path::{export_path, input_file, local_path};
use super::{
    BuiltInArgs, ConnectionArgs, ContactsFormArgs, LogArgs, ProgressArgs, RequestArgs, ThreadArgs, WorkArgs,
};
use crate::id::{Channel, ContactId, RunId, Shard};
use crate::settings::{Consistency, ContactLimit, PartitionKey, TableFormat};
use crate::store::Store;

pub const EXAMPLES: &str = "\
Examples:
  chatzy-export run --simulated --contacts sample_contacts.csv --out ./export
      a first try: exports from a built-in API with made-up conversations
  CHATZY_EMAIL=me@example.com CHATZY_PASSWORD_FILE=~/.chatzy chatzy-export run --contacts contacts.csv --out ./export
      the real service
  chatzy-export run --all-contacts --out ./export
      every contact of the account
  chatzy-export run --contact 096662f6-5acc-4699-923c-0123456789ab --out ./export
  chatzy-export run --search ada@example.com --out ./export
      one contact, by its ID or by a text that the service finds
  chatzy-export run --contacts ids.txt --out ./export --format jsonl --compression zstd --partition-by month
  chatzy-export run --contacts ids.txt --out ./export --incremental
      every night: changed contacts, and every contact at least once in 30 days
  chatzy-export run --all-contacts --incremental --out s3://bucket/chatzy --work-dir /var/lib/chatzy-export
      into an object store, with credentials from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
  chatzy-export run --contacts ids.txt --out ./export --since 2026-01 --until 2026-02 --channel whatsapp
      January: from its first instant to just before that of February, in UTC
  chatzy-export run --contacts ids.txt --out ./export --since 7d
  chatzy-export run --contacts ids.txt --out ./export --run-id 20261130T020000Z-nightly --shard 3/64
      the fourth of 64 parts, on any machine that sees ./export; commit publishes them together

After a crash, a kill or a full disk, run the same command again. It resumes where it left off.

Exit codes: 0 complete, 2 usage, 3 published but contacts failed, are unresolved or do not exist, 4 sign-in refused, \
5 API unavailable, or a quota or --max-duration is used up, 6 storage, 7 another run is active, 9 an unfinished run does \
not fit, the state of --incremental is lost, or the newest run has a different layout, 130/143 interrupted.";

/// Export contacts' conversations
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line; the settings use enums"
)]
pub struct RunArgs {
    /// Contacts file, or the URL of an object: CSV with a column `contact_id`, or one ID per line; `-` is stdin
    #[arg(long, value_name = "FILE", value_parser = input_file())]
    pub contacts: Option<PathBuf>,
    /// Export all contacts of the account
    #[arg(long, conflicts_with_all = ["contacts", "contacts_column", "delimiter"])]
    pub all_contacts: bool,
    /// Export this contact; may be given more than once
    #[arg(long, value_name = "ID", conflicts_with_all = ["contacts", "all_contacts", "contacts_column", "delimiter"])]
    pub contact: Vec<ContactId>,
    /// Export the contacts for which the service finds this text, as in `contacts --search`
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["contacts", "all_contacts", "contact", "contacts_column", "delimiter"])]
    pub search: Option<String>,
    #[command(flatten)]
    pub contacts_form: ContactsFormArgs,
    /// Export: a folder, or the URL of one in an object store
    #[arg(long, value_name = "PATH", value_parser = export_path())]
    pub out: Store,

    /// Format of the data files
    #[arg(long, value_name = "FORMAT", default_value = "parquet", help_heading = "Files")]
    pub format: FormatName,
    /// Parquet: zstd[:1-22], snappy, none [default: zstd]; JSONL: none, gzip, zstd[:1-22] [default: none]
    #[arg(long, value_name = "CODEC", help_heading = "Files")]
    pub compression: Option<String>,
    /// Partition keys, as folders below each table in the given order
    #[arg(long, value_name = "KEYS", value_delimiter = ',', help_heading = "Files")]
    pub partition_by: Vec<PartitionKey>,
    /// Table format of the export: `delta` adds a Delta log to each table, for programs that read Delta tables
    ///
    /// The logs name the files of all runs. They require `--format parquet`. See docs/warehouse.md.
    #[arg(long, value_name = "FORMAT", default_value = "none", help_heading = "Files")]
    pub table_format: TableFormat,
    /// Size after which the next contact starts a new file
    #[arg(long, value_name = "SIZE", default_value = "256MB", help_heading = "Files")]
    pub target_file_size: ByteSize,
    /// Keep the API's responses beside the tables, for `rebuild`
    #[arg(long, help_heading = "Files")]
    pub keep_raw: bool,
    /// ID of the run, part of the file names [default: the time and six random characters]
    #[arg(long, value_name = "ID", help_heading = "Files")]
    pub run_id: Option<RunId>,

    /// Read only the contacts of shard I of N, from 0; `commit` publishes the run when all shards have finished
    ///
    /// Shards are for several machines, or for tasks of a scheduler. It requires `--contacts`, and `--run-id` with a time
    /// at its start, such as `20261130T020000Z-nightly`, which is the time of all rows. Relative times count from it.
    #[arg(long, value_name = "I/N", help_heading = "The run")]
    pub shard: Option<Shard>,

    /// Only this channel; may be given more than once [default: all]
    #[arg(long, value_name = "NAME", help_heading = "Messages to export")]
    pub channel: Vec<Channel>,
    /// Only messages created at or after this time: 7d, yesterday, 2026-01, 2026-01-31 or RFC 3339, in UTC
    ///
    /// `12h`, `7d` and `2w` count back from the start of the run, also when it resumes later. A month or a day means its
    /// first instant, and `today` and `yesterday` mean midnight. All times are in UTC.
    #[arg(long, value_name = "TIME", help_heading = "Messages to export")]
    pub since: Option<String>,
    /// Only messages created before this time, in the same forms
    ///
    /// A month or a day means its first instant, which is not included: `--since 2026-01 --until 2026-02` exports
    /// January, and `--until today` excludes today.
    #[arg(long, value_name = "TIME", help_heading = "Messages to export")]
    pub until: Option<String>,
    /// Request flat lists of messages (`grouped_conversations=false`)
    #[arg(long, help_heading = "Messages to export")]
    pub flat: bool,

    /// Messages per request, 1 to 100
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100), help_heading = "Requests")]
    pub page_size: u32,
    /// Strength of the proof that no message was missed
    #[arg(long, value_name = "LEVEL", default_value = "anchored", help_heading = "Requests")]
    pub consistency: Consistency,
    /// Maximum number of requests in flight, 1 to 1024
    #[arg(long, value_name = "N", default_value = "32", value_parser = concurrency, help_heading = "Requests")]
    pub concurrency: NonZeroU32,
    #[command(flatten)]
    pub requests: RequestArgs,

    /// Read only contacts that are due: new, active since their last export, failed last time, or due for the
    /// full sweep
    #[arg(long, help_heading = "The run")]
    pub incremental: bool,
    /// With --incremental: maximum time between two reads of a contact, changed or not [default: 30d]
    ///
    /// Edits, deletions and late delivery receipts change no time in the account's list. They are found
    /// within this period.
    #[arg(long, value_name = "D", value_parser = duration, help_heading = "The run")]
    pub full_sweep_every: Option<Duration>,
    /// With --incremental: read all contacts and start with a new state
    #[arg(long, help_heading = "The run")]
    pub full: bool,
    /// Stop without publishing when more contacts than this have failed: a number or a percentage
    #[arg(long, value_name = "N|P%", default_value = "100%", help_heading = "The run")]
    pub max_failed: ContactLimit,
    /// Exit code 3 when more contacts than this do not exist: a number or a percentage
    ///
    /// The run is published. A run of 20 or more contacts of which none exists always ends with exit code 3.
    #[arg(long, value_name = "N|P%", default_value = "100%", help_heading = "The run")]
    pub max_not_found: ContactLimit,
    /// Export contacts again that were erased with this reference; may be given more than once
    ///
    /// Contacts that `erase` removed are left out of later runs. This option is for a person who came back. It is
    /// recorded in `_runs/erased.json`, so later runs do not need it.
    #[arg(long, value_name = "REFERENCE", value_parser = reference, help_heading = "The run")]
    pub unsuppress: Vec<String>,
    /// Stop after this time, such as 6h; the same command resumes the run [default: no limit]
    #[arg(long, value_name = "D", value_parser = duration, help_heading = "The run")]
    pub max_duration: Option<Duration>,
    #[command(flatten)]
    pub threads: ThreadArgs,
    #[command(flatten)]
    pub work: WorkArgs,
    #[command(flatten)]
    pub built_in: BuiltInArgs,
    /// Read the contacts file, sign in, request one contact and print the plan; write nothing
    #[arg(long, help_heading = "The run")]
    pub dry_run: bool,
    /// Metrics file for `node_exporter`'s textfile collector, written whenever the run ends
    #[arg(long, value_name = "FILE", help_heading = "Monitoring", value_parser = local_path())]
    pub metrics_file: Option<PathBuf>,
    /// Monitor to ping: URL/start at the start, URL after exit code 0, URL/fail after any other exit code
    #[arg(
        long,
        value_name = "URL",
        env = "CHATZY_PING_URL",
        hide_env_values = true,
        help_heading = "Monitoring"
    )]
    pub ping_url: Option<String>,
    /// Print the manifest as one JSON document on stdout
    #[arg(long, help_heading = "Output and logging")]
    pub json: bool,

    #[command(flatten)]
    pub connection: ConnectionArgs,
    #[command(flatten)]
    pub log: LogArgs,
    #[command(flatten)]
    pub progress: ProgressArgs,
}

/// Formats of the data files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum FormatName {
    /// Apache Parquet
    Parquet,
    /// One JSON object per line
    Jsonl,
}
