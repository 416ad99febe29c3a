//! Reads the list of `schema --loaded`: IDs of runs that a database has already.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::id::RunId;

/// Maximum size of the list. It has space for more than 500,000 runs.
const MAX_LIST: u64 = 16 << 20;

/// Reason why a list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadedError {
    /// The file cannot be read.
    #[error("cannot read the list of loaded runs {}", path.display())]
    Read {
        /// Path of the list.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// The list is too large.
    #[error("the list of loaded runs {} has more than 16 MiB: give one run ID per line", path.display())]
    TooLarge {
        /// Path of the list.
        path: PathBuf,
    },
    /// A line is not the ID of a run.
    #[error("line {line} of the list of loaded runs {} is not the ID of a run: give one run ID per line", path.display())]
    Line {
        /// Path of the list.
        path: PathBuf,
        /// Number of the line.
        line: usize,
    },
}

/// Reads the IDs, one per line, from a file, or from stdin for `-`. Quotes around them, as in CSV, are ignored.
///
/// # Errors
/// If the file cannot be read, or a line is not the ID of a run.
pub fn read(path: &Path) -> Result<BTreeSet<RunId>, LoadedError> {
    let mut text = String::new();
    let content = if path.as_os_str() == "-" {
        io::stdin().lock().take(MAX_LIST + 1).read_to_string(&mut text)
    } else {
        File::open(path).and_then(|file| file.take(MAX_LIST + 1).read_to_string(&mut text))
    };
    content.map_err(|source| LoadedError::Read { path: path.to_owned(), source })?;
    if text.len() as u64 > MAX_LIST {
        return Err(LoadedError::TooLarge { path: path.to_owned() });
    }
    let lines =
        text.trim_start_matches('\u{feff}').lines().map(|line| line.trim().trim_matches('"')).enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty());
    let parse = |(at, line): (usize, &str)| {
        line.parse().map_err(|_| LoadedError::Line { path: path.to_owned(), line: at + 1 })
    };
    lines.map(parse).collect()
}
