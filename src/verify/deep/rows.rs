//! Reads the few columns that the deep check counts, from any format.

use std::borrow::Cow;
use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::Deserialize;

/// What stands in a file that cannot be read.
pub(super) type ReadError = Box<dyn Error + Send + Sync>;

/// Bytes read at once.
const BUFFER_BYTES: usize = 256 << 10;

/// The columns that are counted; none where the table has no such column, or the row a null.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Row<'a> {
    #[serde(borrow, default)]
    pub(super) contact_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) message_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) status: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) messages: Option<i64>,
    #[serde(default)]
    pub(super) message_count: Option<i64>,
}

/// Reads the whole file, row by row, and returns how many rows it has.
pub(super) fn read(path: &Path, each: &mut dyn FnMut(&Row)) -> Result<u64, ReadError> {
    if path.extension().is_some_and(|extension| extension == "parquet") {
        read_parquet(File::open(path)?, each)
    } else {
        read_jsonl(open_text(path)?, each)
    }
}

/// Decodes a whole file of lines that are not rows of a table, and counts them.
pub(super) fn count_lines(path: &Path) -> Result<u64, ReadError> {
    let mut text = BufReader::with_capacity(BUFFER_BYTES, open_text(path)?);
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

fn open_text(path: &Path) -> Result<Box<dyn Read>, ReadError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let file = File::open(path)?;
    if name.ends_with(".jsonl.gz") {
        Ok(Box::new(flate2::read::MultiGzDecoder::new(file)))
    } else if name.ends_with(".jsonl.zst") {
        Ok(Box::new(zstd::Decoder::new(file)?))
    } else if name.ends_with(".jsonl") {
        Ok(Box::new(file))
    } else {
        Err("its name ends in none of the known formats".into())
    }
}

fn read_jsonl(stream: impl Read, each: &mut dyn FnMut(&Row)) -> Result<u64, ReadError> {
    let mut stream = BufReader::with_capacity(BUFFER_BYTES, stream);
    let (mut line, mut rows) = (Vec::new(), 0);
    while stream.read_until(b'\n', &mut line)? > 0 {
        rows += 1;
        let row = serde_json::from_slice(&line).map_err(|error| format!("line {rows}: {error}"))?;
        each(&row);
        line.clear();
    }
    Ok(rows)
}

fn read_parquet(file: File, each: &mut dyn FnMut(&Row)) -> Result<u64, ReadError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
    let columns = ["contact_id", "message_id", "status", "messages", "message_count"];
    let mask = ProjectionMask::columns(builder.parquet_schema(), columns);
    let mut rows = 0;
    for batch in builder.with_projection(mask).build()? {
        let batch = batch?;
        rows += batch.num_rows() as u64;
        for row in 0..batch.num_rows() {
            each(&Row {
                contact_id: text(&batch, "contact_id", row),
                message_id: text(&batch, "message_id", row),
                status: text(&batch, "status", row),
                messages: int(&batch, "messages", row),
                message_count: int(&batch, "message_count", row),
            });
        }
    }
    Ok(rows)
}

fn text<'a>(batch: &'a RecordBatch, column: &str, row: usize) -> Option<Cow<'a, str>> {
    let values = batch.column_by_name(column)?.as_string_opt::<i32>()?;
    values.is_valid(row).then(|| Cow::Borrowed(values.value(row)))
}

fn int(batch: &RecordBatch, column: &str, row: usize) -> Option<i64> {
    let values = batch.column_by_name(column)?.as_primitive_opt::<Int64Type>()?;
    values.is_valid(row).then(|| values.value(row))
}
