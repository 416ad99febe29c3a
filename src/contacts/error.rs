//! Problems of a contacts file. Each ends the run before the first request, with exit code 2.

use std::io;

use super::looks::Looks;
use crate::id::{ContactId, ContactIdError};

/// A contacts file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("contacts file {file}{}: {problem}", line_suffix(.problem))]
pub struct ContactsError {
    /// Path as given, or `-` for standard input.
    pub file: String,
    pub problem: Problem,
}

/// Problem of a contacts file, with its line from 1.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The file cannot be opened or read.
    #[error("cannot be read: {source}")]
    Unreadable { source: io::Error },
    /// The file has a different format, recognized by its first bytes.
    #[error("this is {kind}; use a CSV file with a column of IDs, or a list with one ID per line")]
    OtherKind {
        /// Name of the kind of file.
        kind: &'static str,
    },
    /// The line is probably not a contact ID.
    #[error("{looks}; if the whole line is an ID, use a list with one ID per line and --delimiter none")]
    Looks {
        line: u64,
        /// Description of the likely mistake.
        looks: Looks,
    },
    /// The text is UTF-16, or not text.
    #[error("the text is UTF-16 (or contains NUL bytes); save the file as UTF-8")]
    Utf16 { line: u64 },
    /// Bytes that are not UTF-8.
    #[error("the text is not valid UTF-8; save the file as UTF-8")]
    NotUtf8 {
        /// First line of the record.
        line: u64,
    },
    /// A quote that is never closed.
    #[error("a quote opened on this line is never closed")]
    UnclosedQuote {
        /// Line of the opening quote.
        line: u64,
    },
    /// Text after a closing quote, as in `"…"x`. The bounds of the cells are unknown.
    #[error("there is text after a closing quote; double the quotes inside a quoted cell")]
    TextAfterQuote {
        /// Line of the closing quote.
        line: u64,
    },
    /// The line is longer than any line of a contacts file.
    #[error("the line has more than {max} bytes; check that this is a contacts file")]
    TooLong { line: u64, max: usize },
    /// The header does not contain the column.
    #[error("missing column {column:?}; {found}; choose a column with --contacts-column")]
    NoColumn {
        line: u64,
        column: String,
        /// Description of the cells in the header.
        found: String,
    },
    /// The header contains the column twice.
    #[error("duplicate column {column:?}; remove one of them")]
    DoubledColumn { line: u64, column: String },
    /// The line has no cell in the column of the IDs.
    #[error("the line has {cells} cells, and the contact ID should be in cell {column}")]
    MissingCell {
        line: u64,
        cells: usize,
        /// Number of the ID column, from 1.
        column: usize,
    },
    /// The line has more cells than the header.
    #[error(
        "the line has {cells} cells instead of {expected}; put quotes around a cell that contains the delimiter"
    )]
    TooManyCells {
        line: u64,
        cells: usize,
        /// Number of cells in the header, or 1 without a header.
        expected: usize,
    },
    /// The cell is not a valid contact ID.
    #[error("{source} (IDs are 1 to {max} bytes without control characters)", max = ContactId::MAX_BYTES)]
    BadId { line: u64, source: ContactIdError },
    /// The file has only blank lines, and perhaps a header.
    #[error("the file contains no contact ID")]
    NoIds,
}

impl Problem {
    /// Returns the line of the problem, if it concerns one line.
    pub fn line(&self) -> Option<u64> {
        match self {
            Self::Utf16 { line }
            | Self::Looks { line, .. }
            | Self::NotUtf8 { line }
            | Self::UnclosedQuote { line }
            | Self::TextAfterQuote { line }
            | Self::TooLong { line, .. }
            | Self::NoColumn { line, .. }
            | Self::DoubledColumn { line, .. }
            | Self::MissingCell { line, .. }
            | Self::TooManyCells { line, .. }
            | Self::BadId { line, .. } => Some(*line),
            Self::Unreadable { .. } | Self::OtherKind { .. } | Self::NoIds => None,
        }
    }
}

fn line_suffix(problem: &Problem) -> String {
    problem.line().map_or_else(String::new, |line| format!(", line {line}"))
}

/// Adds the file name to a problem.
pub(super) trait InFile<T> {
    fn in_file(self, file: &str) -> Result<T, ContactsError>;
}

impl<T> InFile<T> for Result<T, Problem> {
    fn in_file(self, file: &str) -> Result<T, ContactsError> {
        self.map_err(|problem| ContactsError { file: file.to_owned(), problem })
    }
}
