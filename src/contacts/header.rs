//! Reads the start of a contacts file: encoding, delimiter, and the column of the IDs.

use std::io::{self, Chain, Cursor, Read};

use sha2::{Digest, Sha256};

use super::delimiter::{Delimiter, same_name};
use super::error::Problem;
use super::records::Record;
use super::{ColumnChoice, Form, OWN_HEADERS, kind, looks};
use crate::digest::hex;

/// Maximum size of the first line, above that of any header.
const FIRST_LINE_BYTES: usize = 64 << 10;
/// Byte order mark of UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// A file with its inspected first line.
pub(super) struct Opened<R> {
    /// Character between columns. None if lines are not split.
    pub(super) delimiter: Option<u8>,
    /// First line that is not blank, unchanged.
    pub(super) first_line: Vec<u8>,
    /// Text from its start, without a byte order mark.
    pub(super) stream: Chain<Cursor<Vec<u8>>, Hashing<R>>,
}

/// Reads the first line and finds the delimiter. Refuses UTF-16 and other file formats.
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

/// Returns the start of the file, up to at least its first line that is not blank, however small the reads
/// are.
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

/// Returns the column of the IDs, if the record is a header, or none if it is the first ID.
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

/// Replaces a problem of the first line by the likely mistake that explains it.
pub(super) fn explain(problem: Problem, first_line: &[u8], form: &Form) -> Problem {
    match (problem.line(), looks::of_first_line(&String::from_utf8_lossy(first_line), form.column.name())) {
        (Some(line), Some(looks)) if form.delimiter != Delimiter::None => Problem::Looks { line, looks },
        _ => problem,
    }
}

/// Refuses a first line that is neither a header with the column nor probably an ID.
fn doubt_first_line(record: &Record, text: &str, form: &Form) -> Result<(), Problem> {
    let name = form.column.name();
    let refused = |looks| Err(Problem::Looks { line: record.line(), looks });
    let is_guessed = form.delimiter == Delimiter::Detected;
    match looks::of_first_line(text, name) {
        // With a given delimiter, other separators are part of the text.
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

/// Describes the cells of a line without the column, for an error.
fn found(record: &Record) -> String {
    let cells = record.cells();
    if cells.iter().all(|cell| looks_like_a_name(cell)) {
        let names: Vec<_> = cells.iter().map(|name| format!("{name:?}")).collect();
        format!("the columns are {}", names.join(", "))
    } else {
        format!("the line has {} cells, and not all are column names", cells.len())
    }
}

/// True for the header of a file that this program wrote. Its IDs were accepted before.
pub(super) fn is_own(record: &Record) -> bool {
    OWN_HEADERS.iter().any(|header| header.split(',').eq(record.cells()))
}

/// True if an error may quote the cell. Without a header, it may be a person's name or number.
fn looks_like_a_name(cell: &str) -> bool {
    let max_digits = 2;
    cell.len() <= 40
        && cell.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ' | '.'))
        && cell.chars().filter(|c| c.is_numeric()).count() <= max_digits
}

/// Reader that computes the SHA-256 of its input.
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
