//! The beginning of a contacts file: its encoding, its delimiter, and the column of the IDs.

use std::io::{self, Chain, Cursor, Read};

use sha2::{Digest, Sha256};

use super::delimiter::{Delimiter, same_name};
use super::error::Problem;
use super::records::Record;
use super::{ColumnChoice, Form, OWN_HEADERS, kind, looks};
use crate::digest::hex;

/// How much of a file is looked at for its first line: more than any header has.
const FIRST_LINE_BYTES: usize = 64 << 10;
/// The byte order mark of UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// A file whose first line has been looked at.
pub(super) struct Opened<R> {
    /// The character between columns; `None` when lines are not split.
    pub(super) delimiter: Option<u8>,
    /// The first line that is not blank, as it stands.
    pub(super) first_line: Vec<u8>,
    /// The text from its start, without a byte order mark.
    pub(super) stream: Chain<Cursor<Vec<u8>>, Hashing<R>>,
}

/// Reads the first line, refuses UTF-16 and files of other kinds, and finds the delimiter.
pub(super) fn open<R: Read>(mut stream: Hashing<R>, form: &Form) -> Result<Opened<R>, Problem> {
    let mut start = first_line(&mut stream).map_err(|source| Problem::Unreadable { source })?;
    if let Some(kind) = kind::of(&start) {
        return Err(Problem::OtherKind { kind });
    }
    if start.starts_with(&[0xff, 0xfe]) || start.starts_with(&[0xfe, 0xff]) {
        return Err(Problem::Utf16 { line: 1 });
    }
    if start.starts_with(MARK) {
        start.drain(..MARK.len());
    }
    let text = start.trim_ascii_start();
    // A tab may be an empty first cell.
    let blanks = start.len() - text.len();
    let line_start =
        start[..blanks].iter().rposition(|byte| matches!(byte, b'\n' | b'\r')).map_or(0, |end| end + 1);
    let line = start[line_start..].split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    let first_line = line.to_vec();
    let delimiter = form.delimiter.resolve(&first_line, form.column.name());
    Ok(Opened { delimiter, first_line, stream: Cursor::new(start).chain(stream) })
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

/// The place of the IDs, if the record is a header; `None` when it is the first ID of a file without one.
pub(super) fn find_column(record: &Record, first_line: &[u8], form: &Form) -> Result<Option<usize>, Problem> {
    let (line, name) = (record.line(), form.column.name());
    let mut matches =
        (0..record.len()).filter(|index| record.cell(*index).is_some_and(|cell| same_name(cell, name)));
    match (matches.next(), matches.next()) {
        (Some(_), Some(_)) => return Err(Problem::DoubledColumn { line, column: name.to_owned() }),
        (Some(index), None) => return Ok(Some(index)),
        (None, _) => {}
    }
    if form.delimiter != Delimiter::None {
        doubt_first_line(record, &String::from_utf8_lossy(first_line), form)?;
    }
    if record.len() == 1 && form.column == ColumnChoice::Default {
        return Ok(None);
    }
    Err(Problem::NoColumn { line, column: name.to_owned(), found: found(record) })
}

/// A problem of the first line, or what the line looks like where that is the reason.
pub(super) fn explain(problem: Problem, first_line: &[u8], form: &Form) -> Problem {
    match (problem.line(), looks::of_first_line(&String::from_utf8_lossy(first_line), form.column.name())) {
        (Some(line), Some(looks)) if form.delimiter != Delimiter::None => Problem::Looks { line, looks },
        _ => problem,
    }
}

/// Refuses a first line that is neither a header with the column's name nor probably an ID.
fn doubt_first_line(record: &Record, text: &str, form: &Form) -> Result<(), Problem> {
    let name = form.column.name();
    let refused = |looks| Err(Problem::Looks { line: record.line(), looks });
    let is_guessed = form.delimiter == Delimiter::Detected;
    match looks::of_first_line(text, name) {
        // A delimiter that was given is no guess, and another one is text.
        Some(looks::Looks::Columns { .. } | looks::Looks::TrailingSeparator(_)) if !is_guessed => {}
        Some(looks) => return refused(looks),
        None => {}
    }
    if form.column == ColumnChoice::Default
        && let [cell] = record.cells().as_slice()
        && let Some(looks) = looks::of_header(cell, name)
    {
        return refused(looks);
    }
    Ok(())
}

/// The cells of a line without the column's name, for an error.
fn found(record: &Record) -> String {
    let cells = record.cells();
    if cells.iter().all(|cell| looks_like_a_name(cell)) {
        let names: Vec<_> = cells.iter().map(|name| format!("{name:?}")).collect();
        format!("the columns are {}", names.join(", "))
    } else {
        format!("the line has {} cells, not all of them names of columns", cells.len())
    }
}

/// True for the header of a file that this program writes. Its IDs have been accepted before.
pub(super) fn is_own(record: &Record) -> bool {
    OWN_HEADERS.iter().any(|header| header.split(',').eq(record.cells()))
}

/// Whether a cell can be told in an error: a line without the column's name may be somebody's name and number.
fn looks_like_a_name(cell: &str) -> bool {
    let most_digits = 2;
    cell.len() <= 40
        && cell.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ' | '.'))
        && cell.chars().filter(|c| c.is_numeric()).count() <= most_digits
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
