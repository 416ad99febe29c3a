//! The beginning of a contacts file: its encoding, its delimiter, and the column of the IDs.

use std::io::{self, Chain, Cursor, Read};

use sha2::{Digest, Sha256};

use super::ColumnChoice;
use super::error::Problem;
use super::records::Record;
use crate::digest::hex;

/// How much of a file is looked at for its first line: more than any header has.
const FIRST_LINE_BYTES: usize = 64 << 10;
/// The byte order mark of UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// A file whose first line has been looked at.
pub(super) struct Opened<R> {
    pub(super) delimiter: u8,
    /// The text from its start, without a byte order mark.
    pub(super) stream: Chain<Cursor<Vec<u8>>, Hashing<R>>,
}

/// Reads the first line, refuses UTF-16, and finds the delimiter.
pub(super) fn open<R: Read>(mut stream: Hashing<R>, column: &str) -> Result<Opened<R>, Problem> {
    let mut start = first_line(&mut stream).map_err(|source| Problem::Unreadable { source })?;
    if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) {
        return Err(Problem::Utf16 { line: 1 });
    }
    if start.starts_with(MARK) {
        start.drain(..MARK.len());
    }
    Ok(Opened { delimiter: delimiter(&start, column), stream: Cursor::new(start).chain(stream) })
}

/// The file's start with at least its first line that is not blank. What is found there does not depend on how many
/// bytes each read gives.
fn first_line(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    let mut chunk = vec![0; 8 << 10];
    while start.len() < FIRST_LINE_BYTES && !has_whole_line(&start) {
        let room = chunk.len().min(FIRST_LINE_BYTES - start.len());
        match stream.read(&mut chunk[..room]) {
            Ok(0) => break,
            Ok(read) => start.extend_from_slice(&chunk[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(start)
}

fn has_whole_line(start: &[u8]) -> bool {
    let line = start.strip_prefix(MARK).unwrap_or(start).trim_ascii_start();
    line.iter().any(|byte| matches!(byte, b'\n' | b'\r'))
}

/// A comma, unless the header line has none and, split at `;` or a tab, holds the column's name.
fn delimiter(start: &[u8], column: &str) -> u8 {
    let text = start.trim_ascii_start();
    let line = text.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    if line.contains(&b',') {
        return b',';
    }
    let names_column = |delimiter: u8| {
        line.split(|byte| *byte == delimiter).map(String::from_utf8_lossy).any(|cell| {
            let cell = cell.trim();
            let bare = cell.strip_prefix('"').and_then(|cell| cell.strip_suffix('"')).unwrap_or(cell);
            same_name(bare, column)
        })
    };
    [b';', b'\t'].into_iter().find(|mark| line.contains(mark) && names_column(*mark)).unwrap_or(b',')
}

/// The place of the IDs, if the record is a header; `None` when it is the first ID of a file without one.
pub(super) fn find_column(record: &Record, choice: &ColumnChoice) -> Result<Option<usize>, Problem> {
    let line = record.line();
    let mut matches = (0..record.len())
        .filter(|index| record.cell(*index).is_some_and(|cell| same_name(cell, choice.name())));
    match (matches.next(), matches.next(), choice) {
        (Some(_), Some(_), _) => Err(Problem::DoubledColumn { line, column: choice.name().to_owned() }),
        (Some(index), None, _) => Ok(Some(index)),
        (None, _, ColumnChoice::Default) if record.len() == 1 => Ok(None),
        (None, _, _) => {
            let cells: Vec<_> =
                (0..record.len()).filter_map(|index| record.cell(index)).map(str::trim).collect();
            let names: Vec<_> = cells.iter().map(|name| format!("{name:?}")).collect();
            let found = if cells.iter().all(|cell| looks_like_a_name(cell)) {
                format!("the columns are {}", names.join(", "))
            } else {
                format!("the line has {} cells, not all of them names of columns", cells.len())
            };
            Err(Problem::NoColumn { line, column: choice.name().to_owned(), found })
        }
    }
}

/// Whether a cell can be told in an error: a line without the column's name may be somebody's name and number.
fn looks_like_a_name(cell: &str) -> bool {
    let most_digits = 2;
    cell.len() <= 40
        && cell.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ' | '.'))
        && cell.chars().filter(|c| c.is_numeric()).count() <= most_digits
}

fn same_name(cell: &str, column: &str) -> bool {
    cell.trim().to_lowercase() == column.to_lowercase()
}

/// Takes the SHA-256 of what is read through it.
pub(super) struct Hashing<R> {
    inner: R,
    hasher: Sha256,
}

impl<R: Read> Hashing<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, hasher: Sha256::new() }
    }

    pub(super) fn sha256(self) -> String {
        hex(&self.hasher.finalize())
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        Ok(read)
    }
}
