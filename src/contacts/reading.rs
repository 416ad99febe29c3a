//! Reads the lines of a file into a list of distinct IDs.

use std::io::{BufReader, Read};
use std::str::FromStr;

use super::Form;
use super::delimiter::{Delimiter, same_name};
use super::error::Problem;
use super::header::{self, Hashing, Opened};
use super::index::ContactIndex;
use super::list::ContactList;
use super::looks::{self, Looks};
use super::records::{Record, Records};
use crate::id::{ContactId, Shard};

/// Reads the whole stream into the list.
pub(super) fn read_into(
    list: &mut ContactList,
    stream: Box<dyn Read + '_>,
    form: &Form,
    shard: Option<Shard>,
) -> Result<(), Problem> {
    let Opened { delimiter, first_line, stream } = header::open(Hashing::new(stream), form)?;
    let mut records = Records::new(BufReader::new(stream), delimiter);
    let mut record = Record::default();
    let mut reading = None;
    loop {
        match records.next(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            // JSON breaks the rules of quoting. An error that names JSON helps more than one about a quote.
            Err(problem) if reading.is_none() => return Err(header::explain(problem, &first_line, form)),
            Err(problem) => return Err(problem),
        }
        record.check_text()?;
        if record.is_blank() {
            continue;
        }
        let reading = if let Some(reading) = &mut reading {
            reading
        } else {
            let found = header::find_column(&record, &first_line, form)?;
            let reading = reading.insert(Reading::new(&record, found, form, shard));
            if found.is_some() {
                continue;
            }
            // Without a header, the first line is already an ID.
            reading
        };
        reading.add(list, &record)?;
    }
    list.lines = records.lines();
    list.sha256 = records.into_inner().into_inner().into_inner().1.sha256();
    let Some(reading) = reading else { return Err(Problem::NoIds) };
    reading.check_end()
}

/// State of the reader, set up by the first line.
struct Reading<'a> {
    form: &'a Form,
    /// Index of the ID column.
    index: usize,
    /// Number of cells per line.
    width: usize,
    /// True if IDs are checked for likely mistakes.
    is_checked: bool,
    has_header: bool,
    /// Contacts that the list has. Others are left out.
    shard: Option<Shard>,
    seen: ContactIndex,
    /// First ID of the file, with its line.
    first: Option<(ContactId, u64)>,
    /// True if the file has another ID, too.
    has_more: bool,
    /// Separator that every ID so far ends with or, if it is a semicolon, contains.
    common: Common,
}

/// Separator that all IDs have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Common {
    Unknown,
    /// All IDs end with this character.
    AtEnd(char, &'static str),
    /// All IDs contain a semicolon.
    Semicolon,
    None,
}

impl<'a> Reading<'a> {
    fn new(first: &Record, found: Option<usize>, form: &'a Form, shard: Option<Shard>) -> Self {
        let is_own = found.is_some() && header::is_own(first);
        Self {
            form,
            index: found.unwrap_or(0),
            width: first.len(),
            is_checked: form.delimiter != Delimiter::None && !is_own,
            has_header: found.is_some(),
            shard,
            seen: ContactIndex::default(),
            first: None,
            has_more: false,
            common: Common::Unknown,
        }
    }

    fn add(&mut self, list: &mut ContactList, record: &Record) -> Result<(), Problem> {
        let line = record.line();
        if self.is_checked && self.is_header_again(record) {
            return Err(Problem::Looks {
                line,
                looks: Looks::SecondHeader(self.form.column.name().to_owned()),
            });
        }
        // An unquoted comma shifts the cells, so the ID could be the text of another column.
        if record.filled() > self.width {
            return Err(Problem::TooManyCells { line, cells: record.filled(), expected: self.width });
        }
        let (cells, column) = (record.len(), self.index + 1);
        let cell = record.cell(self.index).ok_or(Problem::MissingCell { line, cells, column })?;
        let id = ContactId::from_str(cell).map_err(|source| Problem::BadId { line, source })?;
        if self.is_checked {
            if let Some(looks) = looks::of_id(id.as_str()) {
                return Err(Problem::Looks { line, looks });
            }
            self.common = self.common.with(id.as_str());
        }
        match &self.first {
            None => self.first = Some((id.clone(), line)),
            Some((first, _)) => self.has_more |= *first != id,
        }
        if self.shard.is_none_or(|shard| shard.holds(&id)) && !self.seen.add(list, &id, line) {
            list.duplicates += 1;
        }
        Ok(())
    }

    /// True for the header of a file that was appended to this one, perhaps with a byte order mark.
    fn is_header_again(&self, record: &Record) -> bool {
        let name = self.form.column.name();
        (0..record.len())
            .filter_map(|index| record.cell(index))
            .any(|cell| same_name(cell.trim_start_matches('\u{feff}'), name))
    }

    /// Refuses a file without IDs, and a column in which the rest of the line follows every ID.
    fn check_end(&self) -> Result<(), Problem> {
        let Some((first, line)) = &self.first else { return Err(Problem::NoIds) };
        let is_guessed = self.form.delimiter == Delimiter::Detected && self.width == 1 && self.has_header;
        let looks = match self.common {
            Common::AtEnd(_, name) => Looks::TrailingSeparator(name),
            Common::Semicolon if self.has_more => {
                let columns = first.as_str().matches(';').count() + 1;
                let column = self.form.column.name().to_owned();
                Looks::Columns { columns, delimiter: "';'", column }
            }
            Common::Semicolon | Common::Unknown | Common::None => return Ok(()),
        };
        if is_guessed { Err(Problem::Looks { line: *line, looks }) } else { Ok(()) }
    }
}

impl Common {
    fn with(self, id: &str) -> Self {
        match self {
            Self::None => Self::None,
            Self::AtEnd(mark, _) if id.ends_with(mark) => self,
            Self::AtEnd(';', _) | Self::Semicolon if id.contains(';') => Self::Semicolon,
            Self::AtEnd(..) | Self::Semicolon => Self::None,
            Self::Unknown => match looks::separator_at_end(id) {
                Some((mark, name)) => Self::AtEnd(mark, name),
                None if id.contains(';') => Self::Semicolon,
                None => Self::None,
            },
        }
    }
}
