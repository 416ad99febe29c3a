//! Reads `failed.csv` contact by contact, in bounded memory. It has one line per failed contact, possibly
//! millions.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

/// Bytes read at once.
const BUFFER_BYTES: usize = 64 << 10;
/// Maximum length of a line. A contact ID has at most 200 bytes, and an error text a few hundred.
const MAX_LINE: u64 = 16 << 20;

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
