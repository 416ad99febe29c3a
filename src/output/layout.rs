//! The layout of a run's files, as given by the options in its manifest. A reader needs it to find and read
//! all files of a folder.

use std::fmt;

use super::manifest::RunOptions;

/// The layout of a run's files.
///
/// It includes the extension of JSONL files, since a pattern `*.jsonl` does not match `.jsonl.gz`. It
/// excludes the compression inside Parquet files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Name of the format.
    pub format: String,
    /// Extension of the file names, such as `jsonl.gz`.
    pub ending: String,
    /// Partition keys, in the order of the folders.
    pub keys: Vec<String>,
}

impl Layout {
    /// Returns the layout that a run's options give; `None` if they do not name a format.
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
