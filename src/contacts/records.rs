//! Splits a contacts file into records of cells, with line numbers.
//!
//! The csv crate does not fit: it accepts an unclosed quote at the end of the file, and its line numbers are
//! wrong after blank lines and lone carriage returns.

use std::io::BufRead;

use super::error::Problem;

/// Maximum size of a record. It bounds the memory, and is far above any line of a contacts file.
const MAX_RECORD_BYTES: usize = 16 << 20;

/// A record: one line, or several if a quoted cell contains line ends.
#[derive(Debug, Default)]
pub(super) struct Record {
    text: Vec<u8>,
    ends: Vec<usize>,
    line: u64,
}

impl Record {
    /// Returns the first line of the record.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Number of cells.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Number of cells up to the last one that is not blank. Some programs pad lines with empty cells.
    pub(super) fn filled(&self) -> usize {
        (0..self.len())
            .rev()
            .find(|index| !self.bytes(*index).trim_ascii().is_empty())
            .map_or(0, |index| index + 1)
    }

    /// True if all cells are blank.
    pub(super) fn is_blank(&self) -> bool {
        (0..self.len()).all(|index| self.cell(index).is_some_and(|cell| cell.trim().is_empty()))
    }

    /// Returns the cell at `index`, not trimmed, or none after the last one.
    pub(super) fn cell(&self, index: usize) -> Option<&str> {
        (index < self.len()).then(|| std::str::from_utf8(self.bytes(index)).ok()).flatten()
    }

    /// Returns all cells, trimmed.
    pub(super) fn cells(&self) -> Vec<&str> {
        (0..self.len()).filter_map(|index| self.cell(index)).map(str::trim).collect()
    }

    /// Refuses a record that is not UTF-8 text.
    pub(super) fn check_text(&self) -> Result<(), Problem> {
        if memchr::memchr(0, &self.text).is_some() {
            return Err(Problem::Utf16 { line: self.line });
        }
        // Checked per cell: the whole record could be valid although a delimiter splits a character.
        let is_text = (0..self.len()).all(|index| std::str::from_utf8(self.bytes(index)).is_ok());
        if is_text { Ok(()) } else { Err(Problem::NotUtf8 { line: self.line }) }
    }

    fn bytes(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.text[start..self.ends[index]]
    }

    fn clear(&mut self, line: u64) {
        self.text.clear();
        self.ends.clear();
        self.line = line;
    }

    fn end_cell(&mut self) {
        self.ends.push(self.text.len());
    }

    /// Removes the blanks before an opening quote.
    fn restart_cell(&mut self) {
        self.text.truncate(self.ends.last().copied().unwrap_or(0));
    }
}

/// Position of the splitter in a cell.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Only blanks so far. A quote opens a quoted cell.
    Start,
    Plain,
    Quoted {
        opened: u64,
    },
    /// After a quote inside a quoted cell. It is the first half of a doubled quote, or the end.
    Quote {
        opened: u64,
    },
    /// After the closing quote and a blank.
    Closed,
}

/// Reader of the records in a stream.
pub(super) struct Records<R> {
    input: R,
    /// If none, each line is one cell, and quotes are text.
    delimiter: Option<u8>,
    /// Line of the next byte, from 1.
    line: u64,
    /// True after a carriage return. A line feed then belongs to the same line end.
    after_return: bool,
    /// True if the current line has bytes.
    in_line: bool,
}

impl<R: BufRead> Records<R> {
    pub(super) fn new(input: R, delimiter: Option<u8>) -> Self {
        Self { input, delimiter, line: 1, after_return: false, in_line: false }
    }

    /// Number of lines so far, including a last one without a line end.
    pub(super) fn lines(&self) -> u64 {
        self.line - 1 + u64::from(self.in_line)
    }

    pub(super) fn into_inner(self) -> R {
        self.input
    }

    /// Reads the next record. A blank line is a record with one empty cell. Returns false at the end of the
    /// file.
    pub(super) fn next(&mut self, record: &mut Record) -> Result<bool, Problem> {
        record.clear(self.line);
        let mut state = State::Start;
        let mut any = false;
        loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(Problem::Unreadable { source }),
            };
            if chunk.is_empty() {
                return match state {
                    State::Quoted { opened } => Err(Problem::UnclosedQuote { line: opened }),
                    _ if any => {
                        record.end_cell();
                        Ok(true)
                    }
                    _ => Ok(false),
                };
            }
            let byte = chunk[0];
            self.input.consume(1);
            let second_half = self.after_return && byte == b'\n';
            self.after_return = byte == b'\r';
            if second_half {
                // The carriage return has ended the record, unless both are inside quotes.
                if matches!(state, State::Quoted { .. }) {
                    record.text.push(byte);
                }
                continue;
            }
            any = true;
            let line = self.line;
            let line_end = matches!(byte, b'\n' | b'\r');
            self.in_line = !line_end;
            self.line += u64::from(line_end);
            state = match (state, byte) {
                (State::Quoted { opened }, b'"') => State::Quote { opened },
                (State::Quote { opened }, b'"') | (State::Quoted { opened }, _) => {
                    record.text.push(byte);
                    State::Quoted { opened }
                }
                (_, b'\n' | b'\r') => {
                    record.end_cell();
                    return Ok(true);
                }
                (_, mark) if Some(mark) == self.delimiter => {
                    record.end_cell();
                    State::Start
                }
                (State::Start, b'"') if self.delimiter.is_some() => {
                    record.restart_cell();
                    State::Quoted { opened: line }
                }
                (State::Quote { .. } | State::Closed, b' ' | b'\t') => State::Closed,
                (State::Quote { .. } | State::Closed, _) => return Err(Problem::TextAfterQuote { line }),
                (State::Start, b' ' | b'\t') => {
                    record.text.push(byte);
                    State::Start
                }
                (State::Start | State::Plain, _) => {
                    record.text.push(byte);
                    State::Plain
                }
            };
            if record.text.len() > MAX_RECORD_BYTES {
                return Err(match state {
                    State::Quoted { opened } => Problem::UnclosedQuote { line: opened },
                    _ => Problem::TooLong { line: record.line, max: MAX_RECORD_BYTES },
                });
            }
        }
    }
}
