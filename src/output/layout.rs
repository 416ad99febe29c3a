//! The layout of a run's files, from the options in its manifest: by it readers find and read all files of a folder.

use std::fmt;

use serde_json::{Map, Value};

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
    pub fn of(options: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| options.get(name).and_then(Value::as_str);
        let format = text("format")?.to_owned();
        let codec = text("compression").and_then(|codec| codec.split(':').next());
        let ending = match (format.as_str(), codec) {
            ("jsonl", Some("gzip")) => "jsonl.gz",
            ("jsonl", Some("zstd")) => "jsonl.zst",
            (format, _) => format,
        };
        let keys = options.get("partition_by").and_then(Value::as_array);
        let keys = keys.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
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
