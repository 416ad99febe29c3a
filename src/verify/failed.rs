//! Reads `failed.csv` contact by contact, in bounded memory: it has a line for each contact that failed, and there may be
//! millions.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

/// Bytes read at once.
const BUFFER_BYTES: usize = 64 << 10;
/// The longest line that is read. A contact ID has at most 200 bytes, and the text of an error a few hundred.
const MAX_LINE: u64 = 16 << 20;

/// Why the list cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ListError {
    /// The file system refused.
    #[error(transparent)]
    Read(io::Error),
    /// A line is not one of a list.
    #[error("line {line} {what}")]
    Line { line: u64, what: String },
}

/// Reads the list: calls `each` with the cells of each contact, and returns the number of contacts. The header goes to
/// `header`.
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
        // A writer of this list writes no line end inside a cell.
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
        if !reader.read_record(&mut cells).map_err(|error| wrong(format!("is not readable: {error}")))? {
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
