//! Reads JSONL: one object per line. Its keys are the columns in their order.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::rows::{COLUMNS, ReadError, Row, TEXTS};
use crate::output::manifest::ColumnEntry;
use crate::table::parse_time;

/// Bytes read at once.
const BUFFER_BYTES: usize = 256 << 10;
/// Maximum length of a line. A response has at most 64 MiB, and a row contains a text of it at most twice.
const MAX_LINE: u64 = 160 << 20;

/// Decodes a whole file whose lines are not rows of a table, and counts the lines.
pub(super) fn count(file: File, name: &str) -> Result<u64, ReadError> {
    let mut text = BufReader::with_capacity(BUFFER_BYTES, open_text(file, name)?);
    let mut lines = 0;
    loop {
        let chunk = text.fill_buf()?;
        if chunk.is_empty() {
            return Ok(lines);
        }
        lines += memchr::memchr_iter(b'\n', chunk).count() as u64;
        let read = chunk.len();
        text.consume(read);
    }
}

fn open_text(file: File, name: &str) -> Result<Box<dyn Read>, ReadError> {
    if name.ends_with(".jsonl.gz") {
        Ok(Box::new(flate2::read::MultiGzDecoder::new(file)))
    } else if name.ends_with(".jsonl.zst") {
        Ok(Box::new(zstd::Decoder::new(file)?))
    } else if name.rsplit('.').next() == Some("jsonl") {
        Ok(Box::new(file))
    } else {
        Err("its name has an unknown extension".into())
    }
}

/// Reads the rows of a file like [`super::rows::read`].
pub(super) fn read(
    file: File,
    name: &str,
    columns: Option<&[&ColumnEntry]>,
    each: &mut dyn FnMut(&Row),
) -> Result<u64, ReadError> {
    let mut stream = BufReader::with_capacity(BUFFER_BYTES, open_text(file, name)?);
    let (mut line, mut rows) = (Vec::new(), 0);
    while (&mut stream).take(MAX_LINE).read_until(b'\n', &mut line)? > 0 {
        rows += 1;
        if line.len() as u64 == MAX_LINE {
            return Err(format!("line {rows} has more than {} MiB", MAX_LINE >> 20).into());
        }
        let mut json = serde_json::Deserializer::from_slice(&line);
        let row = Line { columns }.deserialize(&mut json).and_then(|row| json.end().map(|()| row));
        each(&row.map_err(|error| format!("line {rows}: {error}"))?);
        line.clear();
    }
    Ok(rows)
}

/// A text that is copied only if it has escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads a line whose keys must be these columns, in their order.
struct Line<'c> {
    columns: Option<&'c [&'c ColumnEntry]>,
}

impl<'de> DeserializeSeed<'de> for Line<'_> {
    type Value = Row<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Row<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Line<'_> {
    type Value = Row<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of columns")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row<'de>, A::Error> {
        use serde::de::Error;
        let mut row = Row::default();
        let mut keys = 0;
        while let Some(Name(key)) = map.next_key::<Name<'de>>()? {
            if let Some(columns) = self.columns
                && columns.get(keys).is_none_or(|column| column.name != key)
            {
                return Err(A::Error::custom(format_args!("the column {key} is out of order or unknown")));
            }
            keys += 1;
            match COLUMNS.iter().position(|name| *name == key) {
                None => drop(map.next_value::<IgnoredAny>()?),
                Some(at) if at < TEXTS => {
                    row.texts[at] = map.next_value::<Option<Name<'de>>>()?.map(|name| name.0);
                }
                Some(at) if key.ends_with("_at") => {
                    let time = map.next_value::<Option<Name<'de>>>()?;
                    let micros = time.map(|time| parse_time(&time.0));
                    if micros == Some(None) {
                        return Err(A::Error::custom(format_args!("invalid time in {key}")));
                    }
                    row.numbers[at - TEXTS] = micros.flatten();
                }
                Some(at) => row.numbers[at - TEXTS] = map.next_value()?,
            }
        }
        match self.columns {
            Some(columns) if columns.len() != keys => {
                Err(A::Error::custom(format_args!("{keys} columns, expected {}", columns.len())))
            }
            _ => Ok(row),
        }
    }
}
