//! Writes a file of lines anew: JSON lines of a table, the raw archive, or a list of contacts. Kept lines stay byte for
//! byte.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;

use serde::Deserialize;

use super::{IsLeftOut, RewriteError, state};
use crate::durable::{self, StorageError};
use crate::output::erased::FileState;
use crate::output::jsonl::Sink;
use crate::output::part::PartFile;
use crate::output::raw::LEVEL;
use crate::output::rows;
use crate::settings::JsonlCodec;
use crate::time::parse_time;

/// Bytes read at once.
const BUFFER_BYTES: usize = 256 << 10;
/// Maximum length of a line. It is held in memory.
const MAX_LINE: u64 = 1 << 30;
/// Capacity of the line buffer that is kept between two lines.
const KEPT_LINE: usize = 1 << 20;

/// Form of the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One object per line.
    Json(JsonlCodec),
    /// Comma-separated values with a header. The first column has the ID of the contact.
    Csv,
}

impl Form {
    /// Form of the raw archive.
    pub(super) const RAW: Self = Self::Json(JsonlCodec::Zstd(LEVEL));

    fn codec(self) -> JsonlCodec {
        match self {
            Self::Json(codec) => codec,
            Self::Csv => JsonlCodec::None,
        }
    }
}

/// Members of a line. Others are skipped.
#[derive(Deserialize)]
struct JsonRow<'a> {
    #[serde(borrow)]
    contact_id: Cow<'a, str>,
    #[serde(default, borrow)]
    created_at: Option<Cow<'a, str>>,
}

/// Lines of a file, decompressed.
struct Lines {
    text: BufReader<Box<dyn Read>>,
    form: Form,
    line: Vec<u8>,
    number: u64,
}

/// A line and the decision about it.
struct Decided<'a> {
    line: &'a [u8],
    /// True for the header of a list.
    is_header: bool,
    is_left_out: bool,
    created_at: Option<i64>,
}

impl Lines {
    fn new(source: File, form: Form) -> io::Result<Self> {
        let text: Box<dyn Read> = match form.codec() {
            JsonlCodec::None => Box::new(source),
            JsonlCodec::Gzip => Box::new(flate2::read::MultiGzDecoder::new(source)),
            JsonlCodec::Zstd(_) => Box::new(zstd::Decoder::new(source)?),
        };
        Ok(Self { text: BufReader::with_capacity(BUFFER_BYTES, text), form, line: Vec::new(), number: 0 })
    }

    fn next(&mut self, is_left_out: IsLeftOut) -> Result<Option<Decided<'_>>, RewriteError> {
        self.line.clear();
        self.line.shrink_to(KEPT_LINE);
        let read = (&mut self.text).take(MAX_LINE).read_until(b'\n', &mut self.line).map_err(unreadable)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        let wrong = |what: &str| RewriteError::Damaged(format!("line {}: {what}", self.number));
        if !self.line.ends_with(b"\n") {
            return Err(wrong("it has no end, or is too long"));
        }
        let line = self.line.as_slice();
        let decided = match self.form {
            Form::Csv => {
                let mut cells = csv::StringRecord::new();
                let mut reader =
                    csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(line);
                reader.read_record(&mut cells).map_err(|error| wrong(&error.to_string()))?;
                let is_header = self.number == 1;
                let is_left_out = !is_header && is_left_out(cells.get(0).unwrap_or_default());
                Decided { line, is_header, is_left_out, created_at: None }
            }
            Form::Json(_) => {
                let row: JsonRow<'_> =
                    serde_json::from_slice(line).map_err(|error| wrong(&error.to_string()))?;
                let created_at = row.created_at.as_deref().and_then(parse_time);
                Decided { line, is_header: false, is_left_out: is_left_out(&row.contact_id), created_at }
            }
        };
        Ok(Some(decided))
    }
}

/// An error with an OS code comes from the file system. Decoders use the same type for invalid bytes.
fn unreadable(error: io::Error) -> RewriteError {
    if error.raw_os_error().is_some() {
        return StorageError::new("read", Path::new("a file of the export"), error).into();
    }
    RewriteError::Damaged(error.to_string())
}

/// Writes the lines that are kept.
pub(super) fn rewrite(
    source: File,
    form: Form,
    target: &Path,
    is_left_out: IsLeftOut,
) -> Result<Option<FileState>, RewriteError> {
    let mut lines = Lines::new(source, form).map_err(unreadable)?;
    durable::remove_file(target)?; // left by an interrupted command
    let mut sink = Sink::new(PartFile::new(target.to_owned()));
    let begun = sink.begin(form.codec());
    sink.checked(begun)?;
    let (mut count, mut created_at) = (0, None);
    while let Some(decided) = lines.next(is_left_out)? {
        if decided.is_left_out {
            continue;
        }
        count += u64::from(!decided.is_header);
        created_at = rows::joined_range(created_at, decided.created_at.map(|time| (time, time)));
        let written = sink.write_all(decided.line);
        sink.checked(written)?;
    }
    if count == 0 {
        drop(sink);
        durable::remove_file(target)?;
        return Ok(None);
    }
    let ended = sink.end_frame();
    sink.checked(ended)?;
    Ok(Some(state(sink.finish()?, count, created_at)))
}

/// Counts the lines that would be left out.
pub(super) fn count(source: File, form: Form, is_left_out: IsLeftOut) -> Result<u64, RewriteError> {
    let mut lines = Lines::new(source, form).map_err(unreadable)?;
    let mut count = 0;
    while let Some(decided) = lines.next(is_left_out)? {
        count += u64::from(decided.is_left_out);
    }
    Ok(count)
}
