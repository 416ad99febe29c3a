//! Settings, validated once: below the command line nothing is parsed again and no `Option` means "default".
//!
//! Layer 1.

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
    /// The day of the run.
    #[value(name = "export_date")]
    ExportDate,
    /// The run's ID.
    Run,
    /// The message's channel.
    Channel,
    /// The year of the message's `created_at`.
    Year,
    /// Its year and month.
    Month,
    /// Its day.
    Date,
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
    /// Trust the documents: pages do not overlap, a short page is the end.
    Fast,
    /// Each page must join the one before; ends are proved, or believed where the run has reason to.
    Anchored,
    /// As anchored, every end proved, and a closing sweep over what was added meanwhile.
    Strict,
}
