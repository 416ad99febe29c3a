//! An open output file of either format.

use std::path::Path;

use ::parquet::file::properties::WriterProperties;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::OutputError;
use super::jsonl::JsonlEncoder;
use super::parquet::{self, ParquetEncoder, properties};
use super::part::{Finished, PartFile};
use super::pieces::{Pieces, refusal};
use super::row_group::ClosedGroup;
use super::rows;
use crate::settings::{Format, JsonlCodec};
use crate::table::{Column, Table};

/// Factor by which later groups may exceed the first one before their bloom filters get worse. Clearing a
/// filter for a full group would be the largest cost of a file with few rows.
const GROWTH: usize = 64;

/// Lifetime of a compressed stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// One stream per file, for tables with one open file at a time.
    WholeFile,
    /// One stream per group. A compressor holds megabytes, too much for thousands of open files.
    EachGroup,
}

/// Treatment of a file's groups when the file is finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Groups {
    /// The groups are full, or as large as the file size allows.
    Keep,
    /// Some groups were written early because memory was short. Thousands of tiny row groups are slow to
    /// read.
    Join,
}

/// Settings that the encoders of a table's files share.
pub(super) struct Style {
    format: Format,
    schema: SchemaRef,
    columns: Vec<Column>,
    framing: Framing,
    properties: WriterProperties,
}

impl Style {
    pub(super) fn new(
        table: Table,
        columns: Vec<Column>,
        schema: SchemaRef,
        format: Format,
        framing: Framing,
    ) -> Self {
        let mut properties = match format {
            Format::Parquet(codec) => properties(table, &columns, codec),
            Format::Jsonl(_) => WriterProperties::default(),
        };
        if matches!((format, framing), (Format::Parquet(_), Framing::WholeFile)) {
            parquet::describe_columns(&mut properties, &schema, &columns);
        }
        Self { format, schema, columns, framing, properties }
    }

    /// File name extension, without the dot.
    pub(super) fn extension(&self) -> &'static str {
        match self.format {
            Format::Parquet(_) => "parquet",
            Format::Jsonl(JsonlCodec::None) => "jsonl",
            Format::Jsonl(JsonlCodec::Gzip) => "jsonl.gz",
            Format::Jsonl(JsonlCodec::Zstd(_)) => "jsonl.zst",
        }
    }

    /// Bytes of rows per group. Parquet needs large row groups; for JSONL the size hardly matters.
    pub(super) fn group_bytes(&self) -> u64 {
        match self.format {
            Format::Parquet(_) => 32 << 20,
            Format::Jsonl(_) => 4 << 20,
        }
    }

    /// Creates the store of Parquet pieces, whose pages wait in `folder`.
    pub(super) fn pieces(&self, folder: &Path) -> Result<Pieces, OutputError> {
        let groups = parquet::groups(&self.schema, &self.properties, self.group_rows());
        let groups = groups.map_err(|source| refusal(source, folder))?;
        Pieces::new(groups, &self.schema, self.group_bytes(), folder)
    }

    /// Maximum number of rows in a group.
    fn group_rows(&self) -> usize {
        let frame = rows::frame(self.schema.fields().len());
        usize::try_from(self.group_bytes() / frame).unwrap_or(usize::MAX)
    }

    /// Largest factor by which rows may grow from memory to file. It decides when to measure the file.
    /// Measuring ends a row group in Parquet but costs almost nothing in JSONL, where keys and escapes add to
    /// the rows.
    pub(super) fn first_guess(&self) -> u64 {
        match self.format {
            Format::Parquet(_) => 1,
            Format::Jsonl(_) => 4,
        }
    }
}

/// An open file in one of the formats.
pub(super) enum Encoder {
    Parquet(Box<ParquetEncoder>),
    Jsonl(Box<JsonlEncoder>),
}

impl Encoder {
    /// Creates an encoder. `first_group` is the number of rows in the first group, if known.
    pub(super) fn new(
        style: &Style,
        part: PartFile,
        first_group: Option<usize>,
    ) -> Result<Self, OutputError> {
        Ok(match style.format {
            Format::Parquet(_) => {
                let max = style.group_rows();
                let values = first_group.map_or(max, |rows| rows.saturating_mul(GROWTH).clamp(1024, max));
                Self::Parquet(Box::new(ParquetEncoder::new(&style.schema, &style.properties, part, values)?))
            }
            Format::Jsonl(codec) => {
                Self::Jsonl(Box::new(JsonlEncoder::new(style.columns.clone(), codec, style.framing, part)))
            }
        })
    }

    /// Bytes in the file so far, without the open group.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Parquet(encoder) => encoder.bytes(),
            Self::Jsonl(encoder) => encoder.bytes(),
        }
    }

    /// Appends the rows to the open group.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        match self {
            Self::Parquet(encoder) => encoder.write(batch),
            Self::Jsonl(encoder) => encoder.write(batch),
        }
    }

    /// Appends a group that was encoded before.
    pub(super) fn append(&mut self, group: ClosedGroup) -> Result<(), OutputError> {
        match self {
            Self::Parquet(encoder) => encoder.append(group),
            Self::Jsonl(_) => unreachable!("JSONL has no row groups"),
        }
    }

    /// Ends the open group.
    pub(super) fn end_group(&mut self) -> Result<(), OutputError> {
        match self {
            Self::Parquet(encoder) => encoder.end_group(),
            Self::Jsonl(encoder) => encoder.end_group(),
        }
    }

    /// Flushes the compressor, so that [`Self::bytes`] counts all encoded rows.
    pub(super) fn flush(&mut self) -> Result<(), OutputError> {
        match self {
            Self::Parquet(_) => Ok(()),
            Self::Jsonl(encoder) => encoder.flush(),
        }
    }

    /// Finishes the file and makes its content durable.
    pub(super) fn finish(self, style: &Style, groups: Groups) -> Result<Finished, OutputError> {
        match (self, groups) {
            (Self::Parquet(encoder), Groups::Keep) => encoder.finish(),
            (Self::Parquet(encoder), Groups::Join) => {
                let (schema, properties) = (&style.schema, &style.properties);
                encoder.finish_joined(schema, properties, style.group_rows(), style.group_bytes())
            }
            (Self::Jsonl(encoder), _) => encoder.finish(),
        }
    }
}
