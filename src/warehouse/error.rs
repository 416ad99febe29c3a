//! Reasons why no script can be written.

use crate::catalog::CatalogError;
use crate::durable::StorageError;
use crate::id::RunId;

/// Reason why no script can be written for an export.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The export has no published run.
    #[error("{path} has no published run: give the folder that --out of the run named")]
    NoRun {
        /// Path of the export.
        path: String,
    },
    /// The export has no run with this ID.
    #[error("{path} has no run {run}")]
    NoSuchRun {
        /// Path of the export.
        path: String,
        /// ID of the run.
        run: RunId,
    },
    /// All runs have only parts of contacts.
    #[error(
        "all runs in {path} have only parts of contacts (--since, --until or --channel): load one of them into separate tables with --run ID --partial, or export whole contacts"
    )]
    OnlyParts {
        /// Path of the export.
        path: String,
    },
    /// The selected run has only parts of contacts.
    #[error(
        "the run {run} has only parts of contacts ({}), which would replace whole ones: load it into separate tables with --partial",
        options.join(", ")
    )]
    Part {
        /// ID of the run.
        run: RunId,
        /// Options that limit the run.
        options: Vec<&'static str>,
    },
    /// A manifest does not name all files of a table.
    #[error(
        "the manifest of the run {run} counts {rows} rows of {table}, but its files have {in_files}: run chatzy-export verify"
    )]
    FilesMissing {
        /// ID of the run.
        run: RunId,
        /// Name of the table.
        table: &'static str,
        /// Number of rows of the table.
        rows: u64,
        /// Number of rows in the files.
        in_files: u64,
    },
    /// The path cannot be written in a script.
    #[error("the path of the export contains line ends or is not UTF-8: rename it")]
    BadPath,
    /// A manifest or another record is damaged.
    #[error("the export is damaged: run chatzy-export verify")]
    Damaged(#[source] CatalogError),
    /// A file operation failed.
    #[error(transparent)]
    Storage(StorageError),
    /// The run is JSONL, but the load reads only Parquet.
    #[error(
        "the run {run} is JSONL, but a load into {title} reads Parquet: make Parquet of it with chatzy-export snapshot --format parquet, export with --format parquet, or select another run with --run"
    )]
    NotParquet {
        /// ID of the run.
        run: RunId,
        /// Name of the database.
        title: &'static str,
    },
    /// The files do not contain the channel, and the load does not see their paths.
    #[error(
        "the run {run} is partitioned by channel, so its files do not contain the channel, and {title} does not read it from paths: make files that contain it with chatzy-export snapshot, export without this partition key, or select another run with --run"
    )]
    ChannelInPath {
        /// ID of the run.
        run: RunId,
        /// Name of the database.
        title: &'static str,
    },
    /// The path has characters that the database does not take literally.
    #[error(
        "{title} does not take the characters {characters} in paths literally: rename or copy the export, and give its new path"
    )]
    OddPath {
        /// Name of the database.
        title: &'static str,
        /// The characters.
        characters: &'static str,
    },
    /// Programs disagree on such URLs.
    #[error(
        "{title} has no names for files in {path}: copy the export to s3:// or gs://, or to a folder, and give its new path"
    )]
    NoName {
        /// Name of the table format.
        title: &'static str,
        /// URL of the export.
        path: String,
    },
    /// The URL does not name the storage account, nor does the environment.
    #[error("the storage account of the export is not known: set AZURE_STORAGE_ACCOUNT_NAME")]
    NoAccount,
    /// The database does not read from there.
    #[error("{title} cannot read {path}: copy the export to {target}, and give its path or URL there")]
    Unreachable {
        /// Name of the database.
        title: &'static str,
        /// Path or URL of the export.
        path: String,
        /// Storage that the database can read.
        target: &'static str,
    },
    /// The export has more files than the database takes in a statement or script.
    #[error(
        "{title} takes {part} of at most {max} bytes, but this export needs {length}: load some runs at a time with --run ID or --loaded FILE, or make fewer files with chatzy-export snapshot"
    )]
    TooLong {
        /// Name of the database.
        title: &'static str,
        /// The kind of text.
        part: &'static str,
        /// Maximum number of bytes.
        max: usize,
        /// Number of bytes of the longest one.
        length: usize,
    },
    /// The script cannot be written without an export.
    #[error("the SQL for {title} names the files of an export: add --from PATH")]
    NoExport {
        /// Name of the database.
        title: &'static str,
    },
}

impl From<CatalogError> for SourceError {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Storage(error) => Self::Storage(error),
            error => Self::Damaged(error),
        }
    }
}
