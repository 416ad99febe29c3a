//! Settings, validated once: below the command line nothing is parsed again and no `Option` means "default".
//!
//! Layer 1.

mod connection;
mod ping;
pub mod secret;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;

use crate::id::{Channel, RunId};

pub use connection::{
    AuthScheme, BaseUrl, BaseUrlError, Connection, Credentials, Login, PasswordSource, Retrying, TokenSource,
};
pub use ping::{PingUrl, PingUrlError};

/// All that `run` is to do.
#[derive(Debug)]
pub struct RunSettings {
    /// The folder of the export.
    pub out: PathBuf,
    /// Where an unfinished run lives.
    pub work: PathBuf,
    /// What to do with one.
    pub unfinished: Unfinished,
    /// A layout other than that of the newest run in the folder.
    pub mixed: Mixed,
    /// How long to wait for another run on this export to end.
    pub wait_lock: Duration,
    /// The run's ID, where the user sets it.
    pub run_id: Option<RunId>,
    /// The service and how to talk to it.
    pub connection: Arc<Connection>,
    /// What to read of each contact.
    pub reading: ReadingSettings,
    /// Which messages to export.
    pub window: Window,
    /// The form of the files.
    pub output: OutputSettings,
    /// What becomes of the answers.
    pub raw: RawAnswers,
    /// How many contacts may fail.
    pub max_failed: MaxFailed,
    /// Read only contacts that are due.
    pub incremental: Option<Incremental>,
}

/// How an incremental run chooses its contacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incremental {
    /// The longest that a contact is not read.
    pub sweep_every: Duration,
    /// All are due: what is known of them is not asked.
    pub full: bool,
}

/// Runs whose format or partition keys differ from those of the newest run in the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mixed {
    /// End with an error.
    Refused,
    /// Accept them.
    Allowed,
}

/// What to do with an unfinished run in the work folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfinished {
    /// Go on with it.
    GoOn,
    /// Throw it away.
    ThrowAway,
}

/// What becomes of the API's answers when the tables are built from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawAnswers {
    /// They go with the work folder.
    Dropped,
    /// They are published beside the tables.
    Kept,
}

/// How each contact's history is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadingSettings {
    /// One pass for each; one over all channels where empty.
    pub channels: Vec<Channel>,
    /// The shape asked for.
    pub shape: AskedShape,
    /// `limit` of each page, 1..=100.
    pub page_size: u32,
    /// How hard to prove that nothing was missed.
    pub consistency: Consistency,
}

/// The value of `grouped_conversations`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AskedShape {
    /// Messages inside their conversations.
    Grouped,
    /// One list of messages.
    Flat,
}

/// Which contacts of the account are listed: the values of `filter`.
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
    /// As the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Unread => "unread",
            Self::Live => "live",
        }
    }
}

/// The times of messages to export: [since, until), in microseconds since 1970. A message without a time is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The first moment inside.
    pub since: Option<i64>,
    /// The first moment after.
    pub until: Option<i64>,
}

impl Window {
    /// Whether a message of this time is exported.
    pub fn holds(self, created_at: Option<i64>) -> bool {
        let Some(time) = created_at else { return true };
        self.since.is_none_or(|since| since <= time) && self.until.is_none_or(|until| time < until)
    }
}

/// How many contacts may fail before the run stops without publishing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MaxFailed {
    /// This many.
    Count(u64),
    /// This part of the contacts, in percent.
    Percent(f64),
}

impl MaxFailed {
    /// Whether `failed` of `contacts` are too many.
    #[expect(clippy::cast_precision_loss, reason = "counts of contacts are far below 2^52")]
    pub fn is_exceeded(self, failed: u64, contacts: u64) -> bool {
        match self {
            Self::Count(most) => failed > most,
            Self::Percent(most) => failed as f64 * 100.0 > most * contacts as f64,
        }
    }
}

/// The form of the data files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Apache Parquet with this codec.
    Parquet(ParquetCodec),
    /// One JSON object a line, the file compressed as a whole.
    Jsonl(JsonlCodec),
}

/// Compression inside Parquet files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParquetCodec {
    /// Zstandard at this level, 1..=22.
    Zstd(i32),
    /// Snappy.
    Snappy,
    /// None.
    None,
}

/// Compression of whole JSONL files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonlCodec {
    /// `.jsonl`
    None,
    /// `.jsonl.gz`
    Gzip,
    /// `.jsonl.zst`, at this level, 1..=22.
    Zstd(i32),
}

/// A key of the folder names below a table (Hive style).
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
    /// The key in the command line, in folder names and in the manifest.
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

    /// The key of this name.
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

/// How the tables are laid out in files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputSettings {
    /// The form of the files.
    pub format: Format,
    /// The partition keys, in the order of the folders.
    pub partition_by: Vec<PartitionKey>,
    /// Bytes after which a file is closed at the next contact.
    pub target_file_size: u64,
}

/// How hard to prove that nothing of a history was missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Consistency {
    /// Trust the API: pages do not overlap, and a short page is the end.
    Fast,
    /// Each page overlaps the page before. Ends are proved, or accepted if the run has reason to.
    Anchored,
    /// As anchored, but every end is proved, and messages added meanwhile are read in a second pass.
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
