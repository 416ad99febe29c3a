//! What can be wrong with a contacts file. All of it ends the run before the first request, with exit code 2.

use std::io;

use super::looks::Looks;
use crate::id::{ContactId, ContactIdError};

/// A contacts file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("contacts file {file}{}: {problem}", place(.problem))]
pub struct ContactsError {
    /// The file as given, `-` for standard input.
    pub file: String,
    /// What is wrong with it; all of it is in this error's own text.
    pub problem: Problem,
}

/// What is wrong, and on which line (from 1, as an editor counts).
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The file cannot be opened or read.
    #[error("cannot be read: {source}")]
    Unreadable {
        /// What the operating system said.
        source: io::Error,
    },
    /// A file of another kind.
    #[error("this is {kind}; give a CSV file with a column of IDs, or a list with one ID a line")]
    OtherKind {
        /// Name of the kind of file.
        kind: &'static str,
    },
    /// A line that is probably no contact ID.
    #[error(
        "{looks}; if the line is an ID as it stands, give a list with one ID a line and --delimiter none"
    )]
    Looks {
        /// The line.
        line: u64,
        /// Description of the likely mistake.
        looks: Looks,
    },
    /// Text in UTF-16, or something that is no text at all.
    #[error("the text is UTF-16 (or holds NUL bytes); save it as UTF-8")]
    Utf16 {
        /// The line it was noticed on.
        line: u64,
    },
    /// Bytes that are not UTF-8.
    #[error("the text is not valid UTF-8; save the file as UTF-8")]
    NotUtf8 {
        /// The line the record begins on.
        line: u64,
    },
    /// A quote that is never closed.
    #[error("a quote opened on this line is never closed")]
    UnclosedQuote {
        /// The line the quote stands on.
        line: u64,
    },
    /// `"…"x`: the quoting is broken, and with it the bounds of the cells.
    #[error("there is text after a closing quote; double the quotes inside a quoted cell")]
    TextAfterQuote {
        /// The line of the closing quote.
        line: u64,
    },
    /// A line longer than any line of a contacts file.
    #[error("the line has more than {max} bytes; is this a contacts file?")]
    TooLong {
        /// The line.
        line: u64,
        /// The most bytes a line may have.
        max: usize,
    },
    /// No column of that name.
    #[error("there is no column {column:?}; {found}; choose one with --contacts-column")]
    NoColumn {
        /// The header's line.
        line: u64,
        /// The column looked for.
        column: String,
        /// The names found, or that they are no names.
        found: String,
    },
    /// Two columns of that name.
    #[error("the column {column:?} is there twice")]
    DoubledColumn {
        /// The header's line.
        line: u64,
        /// The column looked for.
        column: String,
    },
    /// A line with fewer cells than the column's place.
    #[error("the line has {cells} cells, and the contact ID should be in cell {column}")]
    MissingCell {
        /// The line.
        line: u64,
        /// How many cells it has.
        cells: usize,
        /// The place of the ID, from 1.
        column: usize,
    },
    /// A line with more cells than the header.
    #[error(
        "the line has {cells} cells where {expected} are expected; put quotes around a cell that holds the delimiter"
    )]
    TooManyCells {
        /// The line.
        line: u64,
        /// How many cells it has.
        cells: usize,
        /// How many the header has, or 1 without a header.
        expected: usize,
    },
    /// A cell that is no contact ID.
    #[error("{source} (IDs are 1 to {max} bytes without control characters)", max = ContactId::MAX_BYTES)]
    BadId {
        /// The line.
        line: u64,
        /// Why it is none.
        source: ContactIdError,
    },
    /// Nothing but blank lines and perhaps a header.
    #[error("there is no contact ID in it")]
    NoIds,
}

impl Problem {
    /// The line the problem is on, where it is one of a line.
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

fn place(problem: &Problem) -> String {
    problem.line().map_or_else(String::new, |line| format!(", line {line}"))
}

/// Adds the file's name.
pub(super) trait InFile<T> {
    fn in_file(self, file: &str) -> Result<T, ContactsError>;
}

impl<T> InFile<T> for Result<T, Problem> {
    fn in_file(self, file: &str) -> Result<T, ContactsError> {
        self.map_err(|problem| ContactsError { file: file.to_owned(), problem })
    }
}
