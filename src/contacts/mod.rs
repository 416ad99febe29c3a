//! The contacts file: which contacts to export, in which order (contract, section 2).
//!
//! A file is read once, as a stream, before the first request: [`records`] splits it into cells, [`header`] finds the
//! delimiter and the column, [`read`] checks each ID and keeps the first of equal ones. What stays in memory is the
//! text of the IDs and two numbers each.
//!
//! Layer 1: used by the command line, fetch and build.

mod error;
mod header;
mod list;
mod records;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::PathBuf;
use std::str::FromStr;

use xxhash_rust::xxh3::xxh3_128;

use crate::id::ContactId;
use error::InFile;
pub use error::{ContactsError, Problem};
use header::{Hashing, Opened};
pub use list::{ALL, ContactList};
use records::{Record, Records};

/// Where the contacts are read from.
pub enum ContactsSource<'a> {
    /// A file.
    File(PathBuf),
    /// A stream, called `-` in messages and in the manifest.
    Stdin(Box<dyn Read + 'a>),
}

/// Which column holds the IDs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnChoice {
    /// `contact_id`; a file of one column does without a header.
    Default,
    /// The column of this name, which must be in the header.
    Named(String),
}

impl ColumnChoice {
    /// The column used when none is named.
    pub const DEFAULT_NAME: &'static str = "contact_id";

    /// The name looked for in the header.
    pub fn name(&self) -> &str {
        match self {
            Self::Default => Self::DEFAULT_NAME,
            Self::Named(name) => name.trim(),
        }
    }
}

/// Reads and checks the whole file.
///
/// # Errors
/// When it cannot be read, or a line of it is bad: with the file, the line and what is wrong.
pub fn read(source: ContactsSource<'_>, column: &ColumnChoice) -> Result<ContactList, ContactsError> {
    let (path, stream): (String, Box<dyn Read + '_>) = match source {
        ContactsSource::File(path) => {
            let name = path.display().to_string();
            let file = File::open(&path).map_err(|source| Problem::Unreadable { source }).in_file(&name)?;
            (name, Box::new(file))
        }
        ContactsSource::Stdin(stream) => ("-".to_owned(), stream),
    };
    let mut list = ContactList::new(path);
    read_into(&mut list, stream, column)
        .map_err(|problem| ContactsError { file: list.path.clone(), problem })?;
    Ok(list)
}

fn read_into(
    list: &mut ContactList,
    stream: Box<dyn Read + '_>,
    choice: &ColumnChoice,
) -> Result<(), Problem> {
    let Opened { delimiter, stream } = header::open(Hashing::new(stream), choice.name())?;
    let mut records = Records::new(BufReader::new(stream), delimiter);
    let mut record = Record::default();
    let mut seen = HashSet::new();
    let mut column = None;
    while records.next(&mut record)? {
        record.check_text()?;
        if record.is_blank() {
            continue;
        }
        let place = if let Some(place) = column {
            place
        } else {
            let found = header::find_column(&record, choice)?;
            let place = Column { index: found.unwrap_or(0), width: record.len() };
            column = Some(place);
            if found.is_some() {
                continue;
            }
            // No header: this first line is an ID already.
            place
        };
        add(list, &mut seen, &record, place)?;
    }
    list.lines = records.lines();
    list.sha256 = records.into_inner().into_inner().into_inner().1.sha256();
    if list.is_empty() { Err(Problem::NoIds) } else { Ok(()) }
}

/// Where the ID stands, and how many cells a line has.
#[derive(Clone, Copy)]
struct Column {
    index: usize,
    width: usize,
}

fn add(
    list: &mut ContactList,
    seen: &mut HashSet<u128>,
    record: &Record,
    Column { index, width }: Column,
) -> Result<(), Problem> {
    let line = record.line();
    // An unquoted comma shifts the cells: better to stop than to export another column's text as an ID.
    if record.filled() > width {
        return Err(Problem::TooManyCells { line, cells: record.filled(), expected: width });
    }
    let cell =
        record.cell(index).ok_or(Problem::MissingCell { line, cells: record.len(), column: index + 1 })?;
    let id = ContactId::from_str(cell).map_err(|source| Problem::BadId { line, source })?;
    if seen.insert(xxh3_128(id.as_str().as_bytes())) {
        list.push(&id, line);
    } else {
        list.duplicates += 1;
    }
    Ok(())
}
