//! The manifest lists the content of an export. `latest.json` names the newest manifest.
//!
//! Times are text in the form of [`format_time`]. Unknown keys are ignored on reading, since later versions
//! add some. A field that version 0.1.0 did not write has a `#[serde(default)]`, so that every version reads
//! the manifests of all earlier ones. A test reads the frozen exports in `tests/fixtures`.
//!
//! `docs/reference.md` is generated from the docs of the fields.

mod fields;
mod options;
pub(super) mod partition_map;
mod timeline;
mod window;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ExportPath, StagedFile};
use crate::id::RunId;
use crate::table::Table;
use crate::time::format_time;

pub use fields::{KnownFields, SchemaChange, Seen};
pub use options::RunOptions;
pub use timeline::{Bucket, LatencyMicros, Timeline};
pub use window::period_in_words;

/// Version of the manifest's format. It grows if a key changes its meaning.
pub const MANIFEST_VERSION: u32 = 1;

/// Everything about one export.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the manifest's format.
    pub manifest_version: u32,
    /// Version of the tables' columns.
    pub schema_version: u32,
    /// ID of the run.
    pub run_id: RunId,
    /// Result of the run.
    pub status: Status,
    /// Program that wrote the manifest.
    pub tool: Tool,
    /// Start of the run's first attempt; the time in the ID of a run with shards.
    pub started_at: String,
    /// Time at which the run was published.
    pub finished_at: String,
    /// Origin of the rows.
    pub source: Source,
    /// Options of the run.
    pub options: RunOptions,
    /// Contacts file, or the account's list of contacts.
    pub input: Input,
    /// Number of contacts by status.
    pub contacts: ContactCounts,
    /// Requests to the API, over all attempts of the run.
    pub requests: Requests,
    /// Fields in `extra`, by table, each with its number of rows.
    pub unknown_fields: BTreeMap<String, BTreeMap<String, u64>>,
    /// Fields of all runs so far, by table. The next run compares its own fields with them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub known_fields: BTreeMap<String, KnownFields>,
    /// Differences between the fields of this run and those of earlier runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schema_changes: Vec<SchemaChange>,
    /// Tables by name, including those without rows.
    pub tables: BTreeMap<String, TableEntry>,
    /// Data files, sorted by path.
    pub files: Vec<FileEntry>,
    /// Previous run in the same folder, or null.
    pub previous: Option<Previous>,
    /// State file for the next run. Incremental runs only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<StateEntry>,
    /// Number of shards that the run consists of. Runs of `commit` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shards: Option<u32>,
    /// Run whose raw archive this run was made from. Runs of `rebuild` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rebuilt_from: Option<Previous>,
    /// Runs of the export that this snapshot was made from, the newest first. Runs of `snapshot` only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub snapshot_of: Vec<Previous>,
}

/// Result of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Every contact is `exported`, `empty`, `not_found` or `unchanged`.
    Complete,
    /// Some contacts are `failed` or `unresolved`, or `input.doubts` has reasons.
    Partial,
}

/// A program and its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Name of the program: `chatzy-export`.
    pub name: String,
    /// Version of the program.
    pub version: String,
}

impl Default for Tool {
    fn default() -> Self {
        Self { name: env!("CARGO_PKG_NAME").to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
    }
}

/// Origin of the rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Address of the API, or `simulated`.
    pub base_url: String,
}

/// Contacts file, or the account's list of contacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Path of the contacts file as given, or `-`. Without a file: `all-contacts`, `contact` or `search`, after
    /// the option that selected the contacts.
    pub path: String,
    /// SHA-256 of the contacts file. Without a file: of the IDs, each with a line end.
    pub sha256: String,
    /// Number of lines in the input.
    pub lines: u64,
    /// Number of distinct contacts.
    pub contacts: u64,
    /// Number of repeated IDs.
    pub duplicates: u64,
    /// Number of contacts that were left out, since they were erased from the export. Absent if there are none.
    #[serde(default, skip_serializing_if = "fields::is_zero")]
    pub suppressed: u64,
    /// Reasons to doubt the result. Absent if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<String>,
}

/// Contacts by the status of their coverage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactCounts {
    /// Contacts asked for: the sum of the others.
    pub requested: u64,
    /// Contacts whose history was read.
    pub exported: u64,
    /// Contacts that have no messages.
    pub empty: u64,
    /// Contacts that the API does not know.
    pub not_found: u64,
    /// Contacts whose history could not be proved complete.
    pub unresolved: u64,
    /// Contacts that could not be read.
    pub failed: u64,
    /// Contacts that were not due. Incremental runs only.
    #[serde(default)]
    pub unchanged: u64,
}

/// Requests to the API, over all attempts of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    /// Requests sent, including retries.
    pub sent: u64,
    /// Requests that repeated a failed request.
    pub retries: u64,
    /// Requests by HTTP status, `error` for those without a response.
    pub by_status: BTreeMap<String, u64>,
    /// Requests over time. Absent in manifests of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeline: Option<Timeline>,
}

/// Rows and columns of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableEntry {
    /// Number of rows in all files of the table.
    pub rows: u64,
    /// Columns of the table, in their order.
    pub columns: Vec<ColumnEntry>,
}

impl TableEntry {
    /// Creates the entry of a table with this number of rows.
    pub fn new(table: Table, rows: u64) -> Self {
        let entry = |column: &crate::table::Column| ColumnEntry {
            name: column.name.to_owned(),
            kind: column.kind.name().to_owned(),
        };
        Self { rows, columns: table.columns().iter().map(entry).collect() }
    }
}

/// Name and type of a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnEntry {
    /// Name of the column.
    pub name: String,
    /// Type of the column: `str`, `ts`, `int`, `bool` or `json`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// One file. `table` is text, since archives of raw answers and tables of later versions are listed too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Name of the table, or `raw`. It is the name of the folder, too.
    pub table: String,
    /// Path relative to the export.
    pub path: ExportPath,
    /// Number of rows in the file.
    pub rows: u64,
    /// Size of the file.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Partition keys with their values, in the order of the folders.
    #[serde(with = "partition_map")]
    pub partition: Vec<(String, Option<String>)>,
    /// Smallest `created_at` in the file, or null.
    pub min_created_at: Option<String>,
    /// Largest `created_at` in the file, or null.
    pub max_created_at: Option<String>,
}

/// The state that an incremental run leaves to the next: `_runs/<run_id>/state.parquet`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateEntry {
    /// Path relative to the export.
    pub path: ExportPath,
    /// Number of contacts in the file.
    pub rows: u64,
    /// Size of the file.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: String,
}

impl StateEntry {
    /// Returns the state file as an entry of the list of files.
    pub fn as_file(&self) -> FileEntry {
        FileEntry::of_run(self.path.clone(), self.rows, self.bytes, self.sha256.clone())
    }
}

impl FileEntry {
    /// Returns the entry of a file beside the manifest.
    pub fn of_run(path: ExportPath, rows: u64, bytes: u64, sha256: String) -> Self {
        Self {
            table: crate::layout::RUNS.to_owned(),
            path,
            rows,
            bytes,
            sha256,
            partition: Vec::new(),
            min_created_at: None,
            max_created_at: None,
        }
    }
}

fn time_text(micros: i64) -> String {
    format_time(micros).into()
}

impl From<&StagedFile> for FileEntry {
    fn from(file: &StagedFile) -> Self {
        Self {
            table: file.table.name().to_owned(),
            path: file.path.clone(),
            rows: file.rows,
            bytes: file.bytes,
            sha256: file.sha256.clone(),
            partition: file.partition.clone(),
            min_created_at: file.min_created_at.map(time_text),
            max_created_at: file.max_created_at.map(time_text),
        }
    }
}

/// The export before, chained by its hash, so that an old manifest cannot be edited unnoticed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    /// ID of the run.
    pub run_id: RunId,
    /// SHA-256 of that run's manifest.
    pub sha256: String,
}

/// The content of `_runs/latest.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latest {
    /// ID of the newest run.
    pub run_id: RunId,
    /// Path of the run's manifest, relative to the output folder.
    pub manifest: String,
    /// SHA-256 of that manifest.
    pub sha256: String,
}

/// A manifest or `latest.json` that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The text is incomplete, edited, or not a manifest.
    #[error("{name} is not readable: it is incomplete or was edited")]
    Syntax {
        /// Name of the file.
        name: &'static str,
        /// Position and kind of the first error.
        #[source]
        source: serde_json::Error,
    },
    /// A later version of the program wrote the manifest.
    #[error(
        "the manifest has version {found}, but this program reads version {MANIFEST_VERSION}: use a newer version of chatzy-export"
    )]
    Version {
        /// Version of the manifest.
        found: u32,
    },
    /// The manifest contradicts itself where commands rely on it.
    #[error("the manifest is damaged: {what}")]
    Content {
        /// Description of the damage.
        what: String,
    },
}

impl ManifestError {
    /// Formats the error and its cause in one line.
    pub fn describe(&self) -> String {
        match self {
            Self::Syntax { source, .. } => format!("{self}: {source}"),
            Self::Version { .. } | Self::Content { .. } => self.to_string(),
        }
    }
}

impl Manifest {
    /// Parses a manifest.
    ///
    /// # Errors
    /// If the text is incomplete, or the version is unknown.
    pub fn parse(text: &[u8]) -> Result<Self, ManifestError> {
        #[derive(Deserialize)]
        struct Version {
            manifest_version: u32,
        }
        let syntax = |source| ManifestError::Syntax { name: "the manifest", source };
        // A manifest of another version may lack keys of this one.
        let parsed = serde_json::from_slice::<Self>(text);
        let found = match &parsed {
            Ok(manifest) => manifest.manifest_version,
            Err(_) => serde_json::from_slice::<Version>(text).map_err(syntax)?.manifest_version,
        };
        if found != MANIFEST_VERSION {
            return Err(ManifestError::Version { found });
        }
        let manifest = parsed.map_err(syntax)?;
        manifest.check_names()?;
        Ok(manifest)
    }

    /// Checks that each file belongs to this run and is in the folder of its table. Commands rely on this
    /// before they open or remove files.
    pub(crate) fn check_names(&self) -> Result<(), ManifestError> {
        let foreign = |path: &ExportPath| ManifestError::Content {
            what: format!("{path} is not a file of the run {}", self.run_id),
        };
        for file in &self.files {
            if file.path.top() != file.table || !file.path.is_of(&self.run_id) {
                return Err(foreign(&file.path));
            }
        }
        match &self.state {
            Some(state) if state.path != ExportPath::state(&self.run_id) => Err(foreign(&state.path)),
            _ => Ok(()),
        }
    }

    /// True if the run is a snapshot: it has contacts of several runs of another export.
    pub fn is_snapshot(&self) -> bool {
        !self.snapshot_of.is_empty()
    }

    /// Formats the content of `manifest.json`.
    pub fn to_json(&self) -> String {
        to_json(self)
    }
}

impl Latest {
    /// Parses `latest.json`.
    ///
    /// # Errors
    /// If the text is incomplete.
    pub fn parse(text: &[u8]) -> Result<Self, ManifestError> {
        serde_json::from_slice(text).map_err(|source| ManifestError::Syntax { name: "latest.json", source })
    }

    /// Formats the content of `latest.json`.
    pub fn to_json(&self) -> String {
        to_json(self)
    }
}

pub(super) fn to_json(value: &impl Serialize) -> String {
    let text = serde_json::to_string_pretty(value).expect("keys are strings, so serialization cannot fail");
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"manifest_version":1,"schema_version":1,"run_id":"r1","status":"complete","tool":{"name":"chatzy-export","version":"0.1.0"},"started_at":"2026-11-20T02:00:00.000000Z","finished_at":"2026-11-20T02:00:01.000000Z","source":{"base_url":"https://api.example/prod"},"options":{"channel":[],"compression":"zstd:3","contacts_column":null,"flat":false,"format":"parquet","keep_raw":false,"partition_by":["year","channel"],"since":null,"target_file_size":256000000,"until":null},"input":{"path":"c.csv","sha256":"00","lines":3,"contacts":2,"duplicates":1},"contacts":{"requested":2,"exported":1,"empty":0,"not_found":1,"unresolved":0,"failed":0,"unchanged":0},"requests":{"sent":4,"retries":1,"by_status":{"200":3,"503":1}},"unknown_fields":{"messages":{"mood":2}},"tables":{"coverage":{"rows":2,"columns":[{"name":"contact_id","type":"str"}]}},"files":[{"table":"messages","path":"messages/year=2026/channel=web%2Fx/part-r1-00000.parquet","rows":1,"bytes":9,"sha256":"11","partition":{"year":"2026","channel":null},"min_created_at":"2026-11-20T02:00:00.000000Z","max_created_at":null}],"previous":{"run_id":"r0","sha256":"22"},"state":{"path":"_runs/r1/state.parquet","rows":2,"bytes":9,"sha256":"33"}}"#;

    #[test]
    fn a_manifest_round_trips_with_its_keys_in_order() {
        let manifest = Manifest::parse(TEXT.as_bytes()).unwrap();
        assert_eq!(serde_json::to_string(&manifest).unwrap(), TEXT);
        assert_eq!(Manifest::parse(manifest.to_json().as_bytes()).unwrap(), manifest);
    }

    #[test]
    fn keys_of_later_versions_are_ignored() {
        let later = TEXT
            .replace("\"rows\":1", "\"rows\":1,\"codec\":\"zstd\"")
            .replace("{\"sent\"", "{\"new\":[],\"sent\"");
        assert_eq!(Manifest::parse(later.as_bytes()).unwrap(), Manifest::parse(TEXT.as_bytes()).unwrap());
    }

    #[test]
    fn keys_of_incremental_runs_may_be_missing() {
        let (before, _) = TEXT.split_once(",\"state\"").unwrap();
        let earlier = format!("{}}}", before.replace(",\"unchanged\":0", ""));
        let manifest = Manifest::parse(earlier.as_bytes()).unwrap();
        assert_eq!((manifest.state.as_ref(), manifest.contacts.unchanged), (None, 0));
        assert!(!manifest.to_json().contains("\"state\""));
    }

    #[test]
    fn incomplete_and_later_manifests_are_errors() {
        let incomplete = Manifest::parse(&TEXT.as_bytes()[..200]).unwrap_err();
        insta::assert_snapshot!(incomplete, @"the manifest is not readable: it is incomplete or was edited");
        let other = TEXT.replace("\"manifest_version\":1", "\"manifest_version\":2");
        insta::assert_snapshot!(Manifest::parse(other.as_bytes()).unwrap_err(), @"the manifest has version 2, but this program reads version 1: use a newer version of chatzy-export");
    }
}
