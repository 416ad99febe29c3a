//! One file while it is written, whatever its format.

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

/// How much larger than the first group later ones may be before their filters get worse: clearing a filter for a
/// full group costs more than all else in a file of a few rows.
const GROWTH: usize = 64;

/// How long a compressed stream lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// From the file's first row to its last: for tables with one file open at a time.
    WholeFile,
    /// For one group: a compressor holds megabytes, too many for thousands of open files.
    EachGroup,
}

/// Whether the groups of a file are good as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Groups {
    /// They are full, or as large as the file's size allows.
    Keep,
    /// Some were written early because memory was short: thousands of tiny row groups are slow to read.
    Join,
}

/// What the encoders of a table's files have in common.
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
        let properties = match format {
            Format::Parquet(codec) => properties(table, &columns, codec),
            Format::Jsonl(_) => WriterProperties::default(),
        };
        Self { format, schema, columns, framing, properties }
    }

    /// The end of the files' names.
    pub(super) fn extension(&self) -> &'static str {
        match self.format {
            Format::Parquet(_) => "parquet",
            Format::Jsonl(JsonlCodec::None) => "jsonl",
            Format::Jsonl(JsonlCodec::Gzip) => "jsonl.gz",
            Format::Jsonl(JsonlCodec::Zstd(_)) => "jsonl.zst",
        }
    }

    /// Bytes of rows that are encoded together. Row groups of Parquet want to be large; lines do not care.
    pub(super) fn group_bytes(&self) -> u64 {
        match self.format {
            Format::Parquet(_) => 32 << 20,
            Format::Jsonl(_) => 4 << 20,
        }
    }

    /// Pieces of Parquet, whose pages wait in the folder.
    pub(super) fn pieces(&self, folder: &Path) -> Result<Pieces, OutputError> {
        let groups = parquet::groups(&self.schema, &self.properties, self.group_rows());
        let groups = groups.map_err(|source| refusal(source, folder))?;
        Pieces::new(groups, &self.schema, self.group_bytes(), folder)
    }

    /// Rows in a group at most.
    fn group_rows(&self) -> usize {
        let frame = rows::frame(self.schema.fields().len());
        usize::try_from(self.group_bytes() / frame).unwrap_or(usize::MAX)
    }

    /// How many times larger than in memory rows may be in the file: when to look how large it has become. A look
    /// costs a row group in Parquet, and next to nothing in JSONL, where keys and escapes add to the rows.
    pub(super) fn first_guess(&self) -> u64 {
        match self.format {
            Format::Parquet(_) => 1,
            Format::Jsonl(_) => 4,
        }
    }
}

/// One file while it is written.
pub(super) enum Encoder {
    Parquet(Box<ParquetEncoder>),
    Jsonl(Box<JsonlEncoder>),
}

impl Encoder {
    /// A file whose first group has this many rows, if that is known.
    pub(super) fn new(
        style: &Style,
        part: PartFile,
        first_group: Option<usize>,
    ) -> Result<Self, OutputError> {
        Ok(match style.format {
            Format::Parquet(_) => {
                let most = style.group_rows();
                let values = first_group.map_or(most, |rows| rows.saturating_mul(GROWTH).clamp(1024, most));
                Self::Parquet(Box::new(ParquetEncoder::new(&style.schema, &style.properties, part, values)?))
            }
            Format::Jsonl(codec) => {
                Self::Jsonl(Box::new(JsonlEncoder::new(style.columns.clone(), codec, style.framing, part)))
            }
        })
    }

    /// Bytes in the file so far, but for those of an open group.
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
            Self::Jsonl(_) => unreachable!("lines come in no groups"),
        }
    }

    /// Ends the group.
    pub(super) fn end_group(&mut self) -> Result<(), OutputError> {
        match self {
            Self::Parquet(encoder) => encoder.end_group(),
            Self::Jsonl(encoder) => encoder.end_group(),
        }
    }

    /// Makes [`Self::bytes`] count all rows encoded.
    pub(super) fn settle(&mut self) -> Result<(), OutputError> {
        match self {
            Self::Parquet(_) => Ok(()),
            Self::Jsonl(encoder) => encoder.settle(),
        }
    }

    /// Ends the file and makes its content durable.
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
