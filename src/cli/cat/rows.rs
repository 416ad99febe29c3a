//! Writes the rows of a table to stdout.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;

use crate::cli::args::RowFormatName;
use crate::cli::console;
use crate::output::write_lines;
use crate::table::Table;

/// Bytes that are collected before they are written.
const BUFFER_BYTES: usize = 256 << 10;

/// The rows in one of the forms.
pub(super) enum Rows {
    Lines(Table, Box<dyn Write>),
    Arrow(Box<StreamWriter<BufWriter<StdoutLock<'static>>>>),
}

impl Rows {
    /// Starts the output. For a terminal, control characters in JSONL are escaped.
    pub(super) fn new(format: RowFormatName, table: Table, stdout: StdoutLock<'static>) -> io::Result<Self> {
        let is_terminal = stdout.is_terminal();
        let out = BufWriter::with_capacity(BUFFER_BYTES, stdout);
        Ok(match format {
            RowFormatName::Jsonl if is_terminal => Self::Lines(table, Box::new(Escaped::new(out))),
            RowFormatName::Jsonl => Self::Lines(table, Box::new(out)),
            RowFormatName::Arrow => {
                Self::Arrow(Box::new(StreamWriter::try_new(out, &table.arrow()).map_err(error_of_stream)?))
            }
        })
    }

    /// Writes the rows of a batch, which has all columns of the table.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        match self {
            Self::Lines(table, out) => write_lines(table.columns(), batch, out),
            Self::Arrow(stream) => stream.write(batch).map_err(error_of_stream),
        }
    }

    /// Ends the output.
    pub(super) fn finish(self) -> io::Result<()> {
        match self {
            Self::Lines(_, mut out) => out.flush(),
            Self::Arrow(stream) => stream.into_inner().map_err(error_of_stream)?.flush(),
        }
    }
}

/// The error of the output. All batches have the schema of the stream, so no other error occurs.
fn error_of_stream(error: ArrowError) -> io::Error {
    match error {
        ArrowError::IoError(_, error) => error,
        error => io::Error::other(error),
    }
}

/// Escapes hostile characters in JSON text. Line ends stay.
struct Escaped<W> {
    out: W,
    /// Start of a character whose other bytes follow.
    started: Vec<u8>,
}

impl<W> Escaped<W> {
    fn new(out: W) -> Self {
        Self { out, started: Vec::new() }
    }
}

impl<W: Write> Write for Escaped<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = &bytes[..bytes.len().min(BUFFER_BYTES)];
        self.started.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.started) {
            Ok(text) => text,
            Err(error) => str::from_utf8(&self.started[..error.valid_up_to()]).unwrap_or_default(),
        };
        self.out.write_all(console::escape_json(whole).as_bytes())?;
        let written = whole.len();
        self.started.drain(..written);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_escaped_however_the_text_is_cut() {
        let text = "{\"a\":\"\u{1b}[31mé\u{202e}😀\"}\n";
        let mut cut = Escaped::new(Vec::new());
        for byte in text.as_bytes() {
            cut.write_all(&[*byte]).unwrap();
        }
        assert_eq!(String::from_utf8(cut.out).unwrap(), console::escape_json(text));
    }
}
