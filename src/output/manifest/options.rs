//! The options of a run, as its manifest and its work folder record them.
//!
//! The command line makes them from the settings. `rebuild`, incremental runs, `verify`, `schema` and the report read them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::settings::{
    ContactLimit, Format, JsonlCodec, OutputSettings, ParquetCodec, PartitionKey, RawAnswers,
    ReadingSettings, TableFormat, Window,
};
use crate::time::format_time;

/// Options that shaped the output of a run, and a few that only describe it. No secrets.
///
/// Names of formats, codecs, keys and channels are text: those of a later version are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunOptions {
    /// Channels of `--channel`; empty for all.
    pub channel: Vec<String>,
    /// Codec with its level, such as `zstd:3`.
    pub compression: String,
    /// Mode of `--consistency`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consistency: Option<String>,
    /// Column of `--contacts-column`.
    pub contacts_column: Option<String>,
    /// Character of `--delimiter`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
    /// True for flat lists of messages.
    pub flat: bool,
    /// `parquet` or `jsonl`.
    pub format: String,
    /// True if an incremental run read all contacts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full: Option<bool>,
    /// Longest time between two reads of a contact, such as `30days`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_sweep_every: Option<String>,
    /// True for an incremental run; missing for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incremental: Option<bool>,
    /// True if the run kept the responses.
    pub keep_raw: bool,
    /// Limit of failed contacts: a number or a percentage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_failed: Option<String>,
    /// Limit of contacts that do not exist: a number or a percentage. Runs with this key list them in
    /// `not_found.csv`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_not_found: Option<String>,
    /// `limit` of each page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_size: Option<u32>,
    /// Partition keys, in the order of the folders.
    pub partition_by: Vec<String>,
    /// Text of `--since` if it is relative to the start of the run, such as `7d`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relative_since: Option<String>,
    /// Text of `--until` if it is relative to the start of the run, such as `today`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relative_until: Option<String>,
    /// Start of the window, as a time.
    pub since: Option<String>,
    /// `delta` if the export has Delta tables; missing for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_format: Option<String>,
    /// Size at which a file ends, in bytes.
    pub target_file_size: u64,
    /// End of the window, as a time.
    pub until: Option<String>,
    /// Options of later versions.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl RunOptions {
    /// Options that may differ when a run resumes: they do not shape its output.
    pub const DESCRIPTIVE: [&str; 4] = ["consistency", "max_failed", "max_not_found", "page_size"];

    /// Records how the files are written.
    #[must_use]
    pub fn with_output(mut self, output: &OutputSettings, raw: RawAnswers) -> Self {
        (self.format, self.compression) = names_of(output.format);
        self.partition_by = output.partition_by.iter().map(|key| key.name().to_owned()).collect();
        self.target_file_size = output.target_file_size;
        self.set_table_format(output.table_format);
        self.keep_raw = raw == RawAnswers::Kept;
        self
    }

    /// Records what is read of each contact.
    #[must_use]
    pub fn with_reading(
        mut self,
        reading: &ReadingSettings,
        window: Window,
        max_failed: ContactLimit,
    ) -> Self {
        let time = |time: Option<i64>| time.map(|time| format_time(time).to_string());
        self.channel = reading.channels.iter().map(|channel| channel.as_str().to_owned()).collect();
        self.flat = reading.shape == crate::settings::AskedShape::Flat;
        (self.since, self.until) = (time(window.since), time(window.until));
        self.page_size = Some(reading.page_size);
        self.consistency = Some(reading.consistency.as_str().to_owned());
        self.max_failed = Some(max_failed.to_string());
        self
    }

    /// Records the table format.
    pub fn set_table_format(&mut self, format: TableFormat) {
        self.table_format = match format {
            TableFormat::None => None,
            TableFormat::Delta => Some(format.name().to_owned()),
        };
    }

    /// True if the export has Delta tables.
    pub fn is_delta(&self) -> bool {
        self.table_format.as_deref() == Some(TableFormat::Delta.name())
    }

    /// True for an incremental run.
    pub fn is_incremental(&self) -> bool {
        self.incremental == Some(true)
    }

    /// Options that limit the run to parts of contacts.
    pub fn limits(&self) -> Vec<&'static str> {
        let limits = [
            ("--since", self.since.is_some()),
            ("--until", self.until.is_some()),
            ("--channel", !self.channel.is_empty()),
        ];
        limits.into_iter().filter(|(_, is_set)| *is_set).map(|(option, _)| option).collect()
    }

    /// Limit of `--max-not-found`; `None` for runs of versions without it.
    pub fn not_found_limit(&self) -> Option<ContactLimit> {
        self.max_not_found.as_ref()?.parse().ok()
    }

    /// The options by name, as the manifest holds them.
    pub fn by_name(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(options)) => options,
            _ => Map::new(),
        }
    }

    /// Format and codec of the data files; `None` if they are of a later version.
    pub fn file_format(&self) -> Option<Format> {
        let (codec, level) = match self.compression.split_once(':') {
            Some((codec, level)) => {
                (codec, Some(level.parse().ok().filter(|level| (1..=22).contains(level))?))
            }
            None => (self.compression.as_str(), None),
        };
        Some(match (self.format.as_str(), codec, level) {
            ("parquet", "zstd", Some(level)) => Format::Parquet(ParquetCodec::Zstd(level)),
            ("parquet", "snappy", None) => Format::Parquet(ParquetCodec::Snappy),
            ("parquet", "none", None) => Format::Parquet(ParquetCodec::None),
            ("jsonl", "zstd", Some(level)) => Format::Jsonl(JsonlCodec::Zstd(level)),
            ("jsonl", "gzip", None) => Format::Jsonl(JsonlCodec::Gzip),
            ("jsonl", "none", None) => Format::Jsonl(JsonlCodec::None),
            _ => return None,
        })
    }

    /// Known partition keys; `None` if one is of a later version.
    pub fn partition_keys(&self) -> Option<Vec<PartitionKey>> {
        self.partition_by.iter().map(|name| PartitionKey::of_name(name)).collect()
    }
}

/// Names of a format and its codec.
fn names_of(format: Format) -> (String, String) {
    let (format, codec, level) = match format {
        Format::Parquet(ParquetCodec::Zstd(level)) => ("parquet", "zstd", Some(level)),
        Format::Parquet(ParquetCodec::Snappy) => ("parquet", "snappy", None),
        Format::Parquet(ParquetCodec::None) => ("parquet", "none", None),
        Format::Jsonl(JsonlCodec::Zstd(level)) => ("jsonl", "zstd", Some(level)),
        Format::Jsonl(JsonlCodec::Gzip) => ("jsonl", "gzip", None),
        Format::Jsonl(JsonlCodec::None) => ("jsonl", "none", None),
    };
    (format.to_owned(), level.map_or_else(|| codec.to_owned(), |level| format!("{codec}:{level}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_a_format_give_it_back() {
        for format in [
            Format::Parquet(ParquetCodec::Zstd(1)),
            Format::Parquet(ParquetCodec::Snappy),
            Format::Parquet(ParquetCodec::None),
            Format::Jsonl(JsonlCodec::Zstd(22)),
            Format::Jsonl(JsonlCodec::Gzip),
            Format::Jsonl(JsonlCodec::None),
        ] {
            let (name, compression) = names_of(format);
            let options = RunOptions { compression, format: name, ..RunOptions::default() };
            assert_eq!(options.file_format(), Some(format));
        }
        let later = |format: &str, compression: &str| {
            let (compression, format) = (compression.to_owned(), format.to_owned());
            RunOptions { compression, format, ..RunOptions::default() }.file_format()
        };
        assert_eq!([later("arrow", "none"), later("jsonl", "zstd:99"), later("parquet", "zstd")], [None; 3]);
    }

    #[test]
    fn options_of_later_versions_are_kept() {
        let text = r#"{"channel":[],"compression":"zstd:3","contacts_column":null,"flat":false,"format":"arrow","keep_raw":false,"partition_by":["hour"],"since":null,"target_file_size":1,"until":null,"colour":"red"}"#;
        let options: RunOptions = serde_json::from_str(text).unwrap();
        assert_eq!(options.other["colour"], "red");
        assert_eq!(options.partition_keys(), None);
        assert_eq!(serde_json::to_string(&options).unwrap(), text);
    }
}
