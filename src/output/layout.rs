//! The layout of a run's files, from the options in its manifest: by it readers find and read all files of a folder.

use std::fmt;

use super::manifest::RunOptions;

/// The layout of a run's files.
///
/// The ending of JSONL files belongs to it, since a pattern `*.jsonl` matches no `.jsonl.gz`. The compression inside Parquet
/// does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The format's name.
    pub format: String,
    /// The ending of the files' names, such as `jsonl.gz`.
    pub ending: String,
    /// The partition keys, in the order of the folders.
    pub keys: Vec<String>,
}

impl Layout {
    /// The layout in a run's options; `None` if they do not name a format.
    pub fn of(options: &RunOptions) -> Option<Self> {
        let ending = match (options.format.as_str(), options.compression.split(':').next()) {
            ("", _) => return None,
            ("jsonl", Some("gzip")) => "jsonl.gz",
            ("jsonl", Some("zstd")) => "jsonl.zst",
            (format, _) => format,
        };
        let (format, keys) = (options.format.clone(), options.partition_by.clone());
        Some(Self { ending: ending.to_owned(), format, keys })
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.format)?;
        if self.ending != self.format {
            write!(f, " (.{})", self.ending)?;
        }
        match self.keys.as_slice() {
            [] => f.write_str(" without partitions"),
            keys => write!(f, " partitioned by {}", keys.join(",")),
        }
    }
}
