//! The path of a file of an export, relative to the export's folder.
//!
//! Other programs may write to the disk that holds the manifests. Every command therefore opens, removes and
//! names files of an export by this type only. A text becomes an [`ExportPath`] only if it has the form that
//! a run writes.

use std::fmt;
use std::ops::Deref;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use super::raw::RAW;
use crate::id::{RunId, Shard};
use crate::layout::{self, RUNS, STATE};
use crate::table::Table;

/// Extensions of data files.
pub const EXTENSIONS: [&str; 4] = [".parquet", ".jsonl", ".jsonl.gz", ".jsonl.zst"];

/// Either `<table>/[<key>=<value>/…]part-<run_id>-[<shard>-]<number>.<format>` or `_runs/<run_id>/<name>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct ExportPath(String);

/// The writer of data files: a run, or a shard of one. Its display is a part of the file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileWriter {
    pub(super) run_id: RunId,
    pub(super) shard: Option<Shard>,
}

impl fmt::Display for FileWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shard {
            None => write!(f, "{}", self.run_id),
            Some(shard) => write!(f, "{}-{:05}", self.run_id, shard.index()),
        }
    }
}

/// A text that does not have the form of an [`ExportPath`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a valid path of a file in an export")]
pub struct ExportPathError(String);

impl ExportPath {
    /// Path of a data file in a folder that [`super::folder`] named.
    pub(super) fn data(folder: &str, writer: &FileWriter, number: u64, format: &str) -> Self {
        Self(format!("{folder}/part-{writer}-{number:05}.{format}"))
    }

    /// Path of a file beside the manifest of a run.
    pub fn of_run(run_id: &RunId, name: &str) -> Self {
        Self(layout::run_file(run_id, name))
    }

    /// Path of the state file that a run leaves to the next.
    pub fn state(run_id: &RunId) -> Self {
        Self::of_run(run_id, STATE)
    }

    /// Returns the path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the path relative to the export's folder.
    pub fn as_path(&self) -> &Path {
        Path::new(&self.0)
    }

    /// Returns the first folder: the name of a table, `raw` or `_runs`.
    pub fn top(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }

    /// Splits the path into folder and file name.
    pub fn split(&self) -> (&str, &str) {
        self.0.rsplit_once('/').unwrap_or_default()
    }

    /// Returns the number of the shard of this run that wrote the file, if the run consists of shards.
    pub fn shard(&self, run_id: &RunId) -> Option<u32> {
        let (_, name) = self.split();
        let numbers = number_of(name, run_id.as_str()).filter(|numbers| is_numbered(numbers))?;
        numbers.split_once('-')?.0.parse().ok()
    }

    /// True if the file belongs to this run.
    pub fn is_of(&self, run_id: &RunId) -> bool {
        let (_, name) = self.split();
        match layout::split_run_file(&self.0) {
            Some((id, _)) => id == run_id.as_str(),
            None => number_of(name, run_id.as_str()).is_some_and(is_numbered),
        }
    }
}

/// Returns the part of a data file's name after the run ID.
fn number_of<'a>(name: &'a str, run_id: &str) -> Option<&'a str> {
    name.strip_prefix("part-")?.strip_prefix(run_id)?.strip_prefix('-')
}

/// True for `00000.parquet`, and for `00003-00000.parquet` of a run that consists of shards.
fn is_numbered(text: &str) -> bool {
    let Some(numbers) = EXTENSIONS.iter().find_map(|ending| text.strip_suffix(ending)) else { return false };
    let is_number = |text: &str| text.len() >= 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    numbers.split('-').count() <= 2 && numbers.split('-').all(is_number)
}

fn is_partition(folder: &str) -> bool {
    let Some((key, value)) = folder.split_once('=') else { return false };
    let is_in_key = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    let is_in_value = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'%');
    !key.is_empty() && key.bytes().all(is_in_key) && !value.is_empty() && value.bytes().all(is_in_value)
}

/// True if a data file of any run could have this name.
fn is_data_name(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("part-") else { return false };
    rest.match_indices('-').any(|(at, _)| {
        let (run_id, number) = rest.split_at(at);
        run_id.parse::<RunId>().is_ok() && number.strip_prefix('-').is_some_and(is_numbered)
    })
}

fn is_path(text: &str) -> bool {
    let mut parts = text.split('/');
    let top = parts.next().unwrap_or_default();
    let Some(name) = parts.next_back() else { return false };
    if top == RUNS {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        let id = parts.next().unwrap_or_default();
        let is_name = !name.is_empty() && !name.starts_with('.') && name.bytes().all(is_plain);
        return parts.next().is_none() && id.parse::<RunId>().is_ok() && is_name;
    }
    let is_table = top == RAW || Table::ALL.iter().any(|table| table.name() == top);
    is_table && parts.all(is_partition) && is_data_name(name)
}

impl FromStr for ExportPath {
    type Err = ExportPathError;

    fn from_str(text: &str) -> Result<Self, ExportPathError> {
        if is_path(text) { Ok(Self(text.to_owned())) } else { Err(ExportPathError(text.to_owned())) }
    }
}

impl<'de> Deserialize<'de> for ExportPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for ExportPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Deref for ExportPath {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<Path> for ExportPath {
    fn as_ref(&self) -> &Path {
        self.as_path()
    }
}

impl From<ExportPath> for String {
    fn from(path: ExportPath) -> Self {
        path.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_paths_that_a_run_writes_are_accepted() {
        for path in [
            "contacts/part-r-00000.parquet",
            "raw/part-20261120T020000Z-ab12cd-00000.jsonl.zst",
            "messages/month=2026-11/channel=web%2Fx/part-r.1-x-00000.jsonl.gz",
            "messages/channel=__HIVE_DEFAULT_PARTITION__/part-r-123456.jsonl",
            "coverage/part-r-00003-00000.parquet",
            "_runs/20261120T020000Z-ab12cd/state.parquet",
        ] {
            assert_eq!(path.parse::<ExportPath>().map(String::from), Ok(path.to_owned()));
        }
        for text in [
            "",
            "/",
            "contacts",
            "/etc/passwd",
            "../contacts/part-r-00000.parquet",
            "contacts/../part-r-00000.parquet",
            "contacts/./part-r-00000.parquet",
            "contacts//part-r-00000.parquet",
            "/contacts/part-r-00000.parquet",
            "contacts/part-r-00000.parquet\n\\! id",
            "contacts/part-r-00000.parquet/",
            "contacts/part-r-00000.exe",
            "contacts/part-r-0.parquet",
            "contacts/part-../x-00000.parquet",
            "contacts/part-r'-00000.parquet",
            "contacts/part--00000.parquet",
            "contacts/notes.txt",
            "messages/month=2026-11\\x/part-r-00000.parquet",
            "messages/month=$(id)/part-r-00000.parquet",
            "messages/month/part-r-00000.parquet",
            "secrets/part-r-00000.parquet",
            "_work/part-r-00000.parquet",
            "_runs/latest.json",
            "_runs/../state.parquet",
            "_runs/r/..",
            "_runs/r/.bashrc",
            "_runs/r/x/state.parquet",
        ] {
            assert!(text.parse::<ExportPath>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_name_of_a_file_identifies_its_run() {
        let is_of = |path: &str, run: &str| path.parse::<ExportPath>().unwrap().is_of(&run.parse().unwrap());
        assert!(is_of("contacts/part-r-00000.parquet", "r"));
        assert!(is_of("contacts/part-r-00001-00000.parquet", "r"), "a shard");
        assert!(!is_of("contacts/part-r-1-00000.parquet", "r"));
        assert!(is_of("contacts/part-r-1-00000.parquet", "r-1"));
        assert!(!is_of("contacts/part-r2-00000.parquet", "r"));
        assert!(is_of("_runs/r/state.parquet", "r"));
        assert!(!is_of("_runs/r2/state.parquet", "r"));
    }

    proptest! {
        #[test]
        fn every_partition_folder_parses(
            values in proptest::collection::vec(proptest::option::of("\\PC{1,20}|[./\n'\\\\]{1,4}"), 0..3),
            run in "[a-zA-Z0-9][a-zA-Z0-9_.-]{0,20}",
            number in 0_u64..1_000_000,
            index in proptest::option::of(0_u32..100_000),
        ) {
            let partition: Vec<_> = values.into_iter().map(|value| ("channel".to_owned(), value)).collect();
            let run: RunId = run.parse().unwrap();
            let of = std::num::NonZeroU32::new(Shard::MAX).unwrap();
            let shard = index.map(|index| Shard::new(index, of).unwrap());
            let writer = FileWriter { run_id: run.clone(), shard };
            let path = ExportPath::data(&crate::output::folder("messages", &partition), &writer, number, "jsonl.zst");
            prop_assert_eq!(path.as_str().parse::<ExportPath>(), Ok(path.clone()));
            prop_assert_eq!(path.shard(&run), index);
            prop_assert!(path.is_of(&run));
        }
    }
}
