//! The lists of contacts beside a manifest, `failed.csv` and `not_found.csv`. They are read contact by contact,
//! in bounded memory: a list may have millions of lines.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use super::content::{failed_path, not_found_path};
use crate::contact_read::Status;
use crate::output::manifest::Manifest;

/// Bytes read at once.
const BUFFER_BYTES: usize = 64 << 10;
/// Maximum length of a line. A contact ID has at most 200 bytes, and an error text a few hundred.
const MAX_LINE: u64 = 16 << 20;

/// A list of contacts that a run does not export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    /// `failed.csv`.
    Failed,
    /// `not_found.csv`.
    NotFound,
}

impl List {
    /// All lists, in the order of `checksums.sha256`.
    pub(super) const ALL: [Self; 2] = [Self::Failed, Self::NotFound];

    /// Returns the path in the export.
    pub(super) fn path(self, id: &str) -> String {
        match self {
            Self::Failed => failed_path(id),
            Self::NotFound => not_found_path(id),
        }
    }

    /// Returns the status of its contacts in `coverage`.
    pub(super) fn status(self) -> Status {
        match self {
            Self::Failed => Status::Failed,
            Self::NotFound => Status::NotFound,
        }
    }

    /// Returns the name of its second column.
    pub(super) fn second_column(self) -> &'static str {
        match self {
            Self::Failed => "error",
            Self::NotFound => "input_line",
        }
    }

    /// Returns the status of its contacts in words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::NotFound => "not found",
        }
    }

    /// Returns the number of its contacts, according to the manifest.
    pub(super) fn counted(self, manifest: &Manifest) -> u64 {
        match self {
            Self::Failed => manifest.contacts.failed,
            Self::NotFound => manifest.contacts.not_found,
        }
    }

    /// True if the run has the list whenever it has such contacts. Versions without `--max-not-found` write no
    /// `not_found.csv`.
    pub(super) fn is_required(self, manifest: &Manifest) -> bool {
        match self {
            Self::Failed => true,
            Self::NotFound => manifest.options.max_not_found.is_some(),
        }
    }
}

/// Reason why the list cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ListError {
    /// A file operation failed.
    #[error(transparent)]
    Read(io::Error),
    /// A line is invalid.
    #[error("line {line} {what}")]
    Line { line: u64, what: String },
}

/// Reads the list. Calls `header` with the header and `each` with the cells of each contact, and returns the
/// number of contacts.
pub(super) fn read(
    file: File,
    header: &mut dyn FnMut(&csv::StringRecord),
    each: &mut dyn FnMut(&csv::StringRecord),
) -> Result<u64, ListError> {
    let mut stream = BufReader::with_capacity(BUFFER_BYTES, file);
    let (mut text, mut cells) = (Vec::new(), csv::StringRecord::new());
    let (mut line, mut contacts) = (0, None);
    loop {
        text.clear();
        // The program writes no line ends inside a cell.
        if (&mut stream).take(MAX_LINE).read_until(b'\n', &mut text).map_err(ListError::Read)? == 0 {
            return Ok(contacts.unwrap_or(0));
        }
        line += 1;
        let wrong = |what: String| ListError::Line { line, what };
        if text.len() as u64 == MAX_LINE {
            return Err(wrong(format!("has more than {} MiB", MAX_LINE >> 20)));
        }
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(text.len())
            .from_reader(text.as_slice());
        if !reader.read_record(&mut cells).map_err(|error| wrong(format!("is invalid: {error}")))? {
            continue; // a blank line
        }
        match &mut contacts {
            None => {
                header(&cells);
                contacts = Some(0);
            }
            Some(contacts) => {
                each(&cells);
                *contacts += 1;
            }
        }
    }
}
