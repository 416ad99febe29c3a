//! Validated settings of a run. Below the command line, nothing is parsed again, and no `Option` means
//! "default".
//!
//! Layer 1.

mod connection;
mod contact_limit;
mod ping;
mod route;
pub mod secret;
mod timestamp_url;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;

use crate::id::{Channel, RunId, Shard};
use crate::store::Store;

pub use connection::{
    AuthScheme, BaseUrl, BaseUrlError, Connection, Credentials, Login, OutagePolicy, PasswordSource,
    Retrying, TokenSource,
};
pub use contact_limit::ContactLimit;
pub use ping::{PingUrl, PingUrlError};
pub use route::{ProxyError, Route};
pub use timestamp_url::{TimestampUrl, TimestampUrlError};

/// Settings of `run`.
#[derive(Debug)]
pub struct RunSettings {
    /// Folder of the export.
    pub out: Store,
    /// Work folder.
    pub work: PathBuf,
    pub unfinished: UnfinishedPolicy,
    pub mixed: Mixed,
    /// Maximum time to wait for another run on this export.
    pub wait_lock: Duration,
    /// ID of the run, if the user sets it.
    pub run_id: Option<RunId>,
    /// Shard of the run to read. The ID of the run is set then, and has a time.
    pub shard: Option<Shard>,
    pub connection: Arc<Connection>,
    pub reading: ReadingSettings,
    pub window: Window,
    pub output: OutputSettings,
    pub raw: RawAnswers,
    /// Number of threads that flatten.
    pub threads: NonZeroUsize,
    /// Maximum number of failed contacts. A run with more stops without publishing.
    pub max_failed: ContactLimit,
    /// Set for an incremental run.
    pub incremental: Option<Incremental>,
    /// References of erasures whose contacts are exported again.
    pub unsuppressed: Vec<String>,
}

/// Settings of an incremental run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incremental {
    /// Maximum time between two reads of a contact.
    pub sweep_every: Duration,
    /// True if all contacts are due, and the earlier state is ignored.
    pub full: bool,
}

/// Policy for a format or partition keys that differ from those of the newest run in the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mixed {
    Refused,
    Allowed,
}

/// Policy for an unfinished run in the work folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnfinishedPolicy {
    Resume,
    Discard,
}

/// Policy for the responses of the API after the tables are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawAnswers {
    /// Removed with the work folder.
    Dropped,
    /// Published beside the tables.
    Kept,
}

/// Settings for the requests of a contact's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadingSettings {
    /// Channels with a pass of their own. If empty, one pass reads all channels.
    pub channels: Vec<Channel>,
    pub shape: AskedShape,
    /// `limit` of each page, 1..=100.
    pub page_size: u32,
    pub consistency: Consistency,
}

/// The value of `grouped_conversations`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AskedShape {
    /// Messages inside their conversations.
    Grouped,
    /// A single list of messages.
    Flat,
}

/// Values of `filter`, which selects the contacts to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ListFilter {
    /// All contacts
    All,
    /// Contacts with unread messages
    Unread,
    /// Contacts in a live conversation
    Live,
}

impl ListFilter {
    /// Returns the value in the query.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Unread => "unread",
            Self::Live => "live",
        }
    }
}

/// Period of the messages to export, in microseconds since 1970. A message without a time is always exported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Start of the period, included.
    pub since: Option<i64>,
    /// End of the period, excluded.
    pub until: Option<i64>,
}

impl Window {
    /// True if a message of this time is exported.
    pub fn holds(self, created_at: Option<i64>) -> bool {
        let Some(time) = created_at else { return true };
        self.since.is_none_or(|since| since <= time) && self.until.is_none_or(|until| time < until)
    }
}

/// Format of the data files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Apache Parquet with this codec.
    Parquet(ParquetCodec),
    /// One JSON object per line. The codec compresses the whole file.
    Jsonl(JsonlCodec),
}

/// Compression inside Parquet files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParquetCodec {
    /// Zstandard at this level, 1..=22.
    Zstd(i32),
    Snappy,
    None,
}

/// Compression of whole JSONL files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonlCodec {
    None,
    Gzip,
    /// Zstandard at this level, 1..=22.
    Zstd(i32),
}

/// Key of the folder names below a table (Hive style).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum PartitionKey {
    /// Day of the run.
    #[value(name = "export_date")]
    ExportDate,
    /// ID of the run.
    Run,
    /// Channel of the message.
    Channel,
    /// Year of the message's `created_at`, in UTC.
    Year,
    /// Year and month of the message's `created_at`.
    Month,
    /// Day of the message's `created_at`.
    Date,
}

impl PartitionKey {
    /// Returns the name on the command line, in folder names and in the manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::ExportDate => "export_date",
            Self::Run => "run",
            Self::Channel => "channel",
            Self::Year => "year",
            Self::Month => "month",
            Self::Date => "date",
        }
    }

    /// Returns the key with this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::value_variants().iter().copied().find(|key| key.name() == name)
    }

    /// True if the value follows from a message, false if all rows of a run share it.
    pub fn is_per_message(self) -> bool {
        match self {
            Self::Channel | Self::Year | Self::Month | Self::Date => true,
            Self::ExportDate | Self::Run => false,
        }
    }
}

/// Table format of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum TableFormat {
    /// Data files only
    None,
    /// Delta tables: each table has a Delta log beside its files
    Delta,
}

impl TableFormat {
    /// Returns the name on the command line and in the manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Delta => "delta",
        }
    }
}

/// Layout of the tables in files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputSettings {
    pub format: Format,
    /// Partition keys, in the order of the folders.
    pub partition_by: Vec<PartitionKey>,
    /// Size after which the next contact starts a new file, in bytes.
    pub target_file_size: u64,
    pub table_format: TableFormat,
}

/// Strength of the proof that no message was missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Consistency {
    /// Trust the API: pages do not overlap, and a short page is the end.
    Fast,
    /// Each page overlaps the page before. Ends are proved, or accepted if the run has reason to.
    Anchored,
    /// Like anchored, but every end is proved, and a second pass reads messages added during the first.
    Strict,
}

impl Consistency {
    /// Name on the command line and in the manifest.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Anchored => "anchored",
            Self::Strict => "strict",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partition_keys_have_one_name_everywhere() {
        for key in PartitionKey::value_variants() {
            assert_eq!(key.to_possible_value().unwrap().get_name(), key.name());
            assert_eq!(PartitionKey::of_name(key.name()), Some(*key));
        }
        assert_eq!(PartitionKey::of_name("hour"), None);
    }
}
