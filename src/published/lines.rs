//! Reads the rows of a JSONL file: one object per line. Its keys are the columns in their order.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use arrow::array::RecordBatch;

use super::batches::BATCH_ROWS;
use super::columns::Columns;
use super::scanner::{LineError, MAX_ROW};
use super::values::Values;
use super::{ReadError, long_line, open, row};
use crate::output::manifest::FileEntry;
use crate::store::Store;

/// Bytes read at once.
const BUFFER_BYTES: usize = 256 << 10;
/// Length of a line above which it is read in pieces.
const SHORT_LINE: u64 = 1 << 20;
/// Bytes of values after which a batch ends.
const BATCH_BYTES: usize = 8 << 20;

type Text = BufReader<Box<dyn Read + Send>>;

/// Counts the lines of a raw archive, and decodes it whole.
///
/// # Errors
/// If the number of lines differs from that of the manifest, or the file cannot be read.
pub fn count_lines(out: &Store, file: &FileEntry) -> Result<(), ReadError> {
    let path = out.join(&file.path);
    let failed = |error| ReadError::of_io(&path, error);
    let mut text = open_text(open(out, file)?, &path).map_err(failed)?;
    let mut found = 0;
    loop {
        let chunk = text.fill_buf().map_err(failed)?;
        if chunk.is_empty() {
            break;
        }
        found += memchr::memchr_iter(b'\n', chunk).count() as u64;
        let read = chunk.len();
        text.consume(read);
    }
    if found == file.rows { Ok(()) } else { Err(ReadError::RowCount { path, found, expected: file.rows }) }
}

fn open_text(file: File, path: &Path) -> io::Result<Text> {
    let name = path.to_string_lossy();
    let text: Box<dyn Read + Send> = if name.ends_with(".jsonl.gz") {
        Box::new(flate2::read::MultiGzDecoder::new(file))
    } else if name.ends_with(".jsonl.zst") {
        Box::new(zstd::Decoder::new(file)?)
    } else if path.extension().is_some_and(|extension| extension == "jsonl") {
        Box::new(file)
    } else {
        return Err(io::Error::other("its name has an unknown extension"));
    };
    Ok(BufReader::with_capacity(BUFFER_BYTES, text))
}

/// The batches of a file.
pub(super) struct LineBatches {
    text: Text,
    columns: Columns,
    /// Values of each column of the file since the last batch.
    values: Vec<Values>,
    /// Buffer for a line.
    line: Vec<u8>,
    /// Number of the line, from 1.
    number: u64,
}

impl LineBatches {
    /// Opens the text of a file.
    pub(super) fn new(file: File, path: &Path, columns: Columns) -> Result<Self, ReadError> {
        let text = open_text(file, path).map_err(|error| ReadError::of_io(path, error))?;
        let values = (0..columns.of_file.len()).map(|at| Values::new(columns.column(at))).collect();
        Ok(Self { text, columns, values, line: Vec::new(), number: 0 })
    }

    /// Reads the next batch.
    pub(super) fn read(&mut self, path: &Path) -> Result<Option<RecordBatch>, ReadError> {
        let mut rows = 0;
        while rows < BATCH_ROWS && self.values.iter().map(Values::bytes).sum::<usize>() < BATCH_BYTES {
            if !self.read_row(path)? {
                break;
            }
            rows += 1;
        }
        if rows == 0 {
            return Ok(None);
        }
        let Self { columns, values, .. } = self;
        let batch = columns.batch(rows, |at| Ok(values[at].finish()));
        batch.map(Some).map_err(|error| ReadError::of_arrow(path, error))
    }

    /// Reads a line. Returns false at the end of the file.
    fn read_row(&mut self, path: &Path) -> Result<bool, ReadError> {
        self.line.clear();
        let start = (&mut self.text).take(SHORT_LINE).read_until(b'\n', &mut self.line);
        if start.map_err(|error| ReadError::of_io(path, error))? == 0 {
            return Ok(false);
        }
        self.number += 1;
        let number = self.number;
        let names = &self.columns.of_file;
        if (self.line.len() as u64) < SHORT_LINE || self.line.ends_with(b"\n") {
            let read = row::read(&self.line, names, &mut self.values);
            return read.map(|()| true).map_err(|error| {
                ReadError::damaged(path, format!("line {number}: {}", row::describe(&error)))
            });
        }
        // The next line needs no more memory than before.
        let line = Cursor::new(std::mem::take(&mut self.line)).chain(&mut self.text);
        long_line::read(line, names, &mut self.values).map(|()| true).map_err(|error| match error {
            LineError::Io(error) => ReadError::of_io(path, error),
            LineError::TooLong => {
                ReadError::damaged(path, format!("line {number} has more than {} MiB", MAX_ROW >> 20))
            }
            LineError::Syntax(what) => ReadError::damaged(path, format!("line {number}: {what}")),
        })
    }
}
