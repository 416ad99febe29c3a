//! The lines of a version: actions of the Delta protocol, as far as the program writes and reads them.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

/// Start of `engineInfo` in the versions of this program.
const ENGINE: &str = concat!(env!("CARGO_PKG_NAME"), "/");

/// A line. Other actions of the protocol are errors.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Action {
    CommitInfo(CommitInfo),
    Protocol(Protocol),
    MetaData(MetaData),
    Add(Add),
    Remove(Remove),
}

/// The writer of a version. It is the first line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CommitInfo {
    #[serde(default)]
    pub(super) timestamp: i64,
    #[serde(default)]
    pub(super) operation: String,
    #[serde(default, skip_deserializing)]
    pub(super) operation_parameters: BTreeMap<&'static str, &'static str>,
    #[serde(default)]
    pub(super) engine_info: String,
    /// The newest run of the export.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) run_id: Option<String>,
}

impl CommitInfo {
    pub(super) fn new(timestamp: i64, operation: Operation, run_id: Option<String>) -> Self {
        let (operation, parameters) = operation.names();
        Self {
            timestamp,
            operation: operation.to_owned(),
            operation_parameters: parameters.iter().copied().collect(),
            engine_info: format!("{ENGINE}{}", env!("CARGO_PKG_VERSION")),
            run_id,
        }
    }

    /// True if this program wrote the version.
    pub(super) fn is_ours(&self) -> bool {
        self.engine_info.starts_with(ENGINE)
    }
}

/// The change of a version, in the words of other Delta writers.
#[derive(Clone, Copy)]
pub(super) enum Operation {
    Write,
    Delete,
    Update,
}

impl Operation {
    fn names(self) -> (&'static str, &'static [(&'static str, &'static str)]) {
        match self {
            Self::Write => ("WRITE", &[("mode", "Append")]),
            Self::Delete => ("DELETE", &[]),
            Self::Update => ("UPDATE", &[]),
        }
    }
}

/// The versions of the protocol that a program must support.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Protocol {
    pub(super) min_reader_version: u32,
    pub(super) min_writer_version: u32,
}

impl Protocol {
    /// The protocol of the program's logs.
    pub(super) const OURS: Self = Self { min_reader_version: 1, min_writer_version: 2 };
}

/// The columns of a table.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MetaData {
    /// ID of the table.
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) description: Option<String>,
    pub(super) format: FileFormat,
    /// The columns, as JSON.
    pub(super) schema_string: String,
    pub(super) partition_columns: Vec<String>,
    #[serde(default)]
    pub(super) configuration: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) created_time: Option<i64>,
}

/// Format of the data files.
#[derive(Serialize, Deserialize)]
pub(super) struct FileFormat {
    pub(super) provider: String,
    #[serde(default)]
    pub(super) options: BTreeMap<String, String>,
}

/// A file that belongs to the table from this version on. It replaces an entry with the same path.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Add {
    pub(super) path: String,
    pub(super) partition_values: BTreeMap<String, Option<String>>,
    pub(super) size: u64,
    pub(super) modification_time: i64,
    pub(super) data_change: bool,
    /// The number of rows, as JSON.
    #[serde(default)]
    pub(super) stats: Option<String>,
    /// Rows of the file that do not count. The program writes none.
    #[serde(default, skip_serializing)]
    pub(super) deletion_vector: Option<IgnoredAny>,
}

impl Add {
    /// Returns the number of rows, if it is known.
    pub(super) fn rows(&self) -> Option<u64> {
        serde_json::from_str::<Stats>(self.stats.as_deref()?).ok()?.num_records
    }
}

/// Statistics of a file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stats {
    pub(super) num_records: Option<u64>,
}

/// A file that does not belong to the table any more.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Remove {
    pub(super) path: String,
    #[serde(default)]
    pub(super) deletion_timestamp: i64,
    pub(super) data_change: bool,
    #[serde(default)]
    pub(super) extended_file_metadata: bool,
    #[serde(default)]
    pub(super) partition_values: BTreeMap<String, Option<String>>,
    #[serde(default)]
    pub(super) size: Option<u64>,
}
