//! Parquet: encoding of the columns, and an open file.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::arrow::arrow_writer::ArrowRowGroupWriterFactory;
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;

use super::OutputError;
use super::part::{Finished, PartFile};
use super::pending::GroupSize;
use super::pieces::refusal;
use super::row_group::{ClosedGroup, OpenGroup};
use crate::durable::{self, OnPath};
use crate::settings::ParquetCodec;
use crate::table::{Column, Kind, Table, plain, schema::SCHEMA_VERSION};

/// Long texts that queries do not filter by. Statistics and dictionaries would cost space and time without
/// benefit.
const FREE_TEXT: &[&str] = &["content", "text", "raw", "extra"];
/// Columns with a different value in every row. A dictionary would be built and discarded.
const UNIQUE: &[&str] = &["message_id", "record_id", "platform_message_id"];
/// Bytes of a page before compression. Pages that fit the processor's cache take 10 % less CPU time to encode
/// than the default of 1 MiB, and 2 % more space.
const PAGE_BYTES: usize = 128 << 10;
/// Columns that queries look rows up by. They get a bloom filter.
const LOOKED_UP: &[&str] = &["message_id", "contact_id"];
/// False-positive rate: one lookup in a hundred reads a row group for nothing. The writer shrinks each filter
/// to the number of values that came, so small files have small filters.
const BLOOM_FALSE_POSITIVES: f64 = 0.01;

/// First version of Spark whose files always use the proleptic Gregorian calendar.
const SPARK_VERSION: &str = "3.1.0";

/// Returns the properties of all files of a table.
pub(super) fn properties(table: Table, columns: &[Column], codec: ParquetCodec) -> WriterProperties {
    let key_values = vec![
        KeyValue::new("schema_version".to_owned(), SCHEMA_VERSION.to_string()),
        KeyValue::new("table".to_owned(), table.name().to_owned()),
        KeyValue::new("description".to_owned(), description(table)),
        // Spark rejects times before 1900 in files that do not name the calendar of their writer. This key
        // names a version of Spark that writes the proleptic Gregorian calendar, as Arrow does.
        KeyValue::new("org.apache.spark.version".to_owned(), SPARK_VERSION.to_owned()),
    ];
    let mut properties = WriterProperties::builder()
        // Version 1 data pages: every reader supports them, and Snowflake documents no others.
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_created_by(format!("chatzy-export {}", env!("CARGO_PKG_VERSION")))
        .set_key_value_metadata(Some(key_values))
        .set_data_page_size_limit(PAGE_BYTES)
        .set_compression(compression(codec));
    for column in columns {
        let path = ColumnPath::from(column.name);
        if FREE_TEXT.contains(&column.name) {
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_statistics_enabled(path.clone(), EnabledStatistics::None);
        }
        // Times also differ in nearly every row. They are written as plain values, which every reader
        // decodes. fastparquet misreads delta encodings in version 1 pages, and some JavaScript readers
        // reject them. Integers repeat, so they keep the dictionary. Together this takes 1.4 % more space
        // than delta encodings.
        if column.kind == Kind::Ts || UNIQUE.contains(&column.name) {
            properties = properties.set_column_dictionary_enabled(path.clone(), false);
        }
        if LOOKED_UP.contains(&column.name) {
            properties = properties.set_column_bloom_filter_fpp(path, BLOOM_FALSE_POSITIVES);
        }
    }
    properties.build()
}

/// Adds the meaning of each column, as readers of Arrow show it: `field.metadata["description"]`.
///
/// It is part of Arrow's own copy of the schema, which takes 3 to 6 KB in each file. The small files of a
/// daily partition would grow by half, so only tables with few files have it.
pub(super) fn describe_columns(properties: &mut WriterProperties, schema: &Schema, columns: &[Column]) {
    let described = |(field, column): (&Arc<Field>, &Column)| {
        let meaning = ("description".to_owned(), plain(column.meaning));
        field.as_ref().clone().with_metadata([meaning])
    };
    let fields: Vec<Field> = schema.fields().iter().zip(columns).map(described).collect();
    add_encoded_arrow_schema_to_metadata(&Schema::new(fields), properties);
}

/// Returns the meaning of the table, and the command that explains its columns.
fn description(table: Table) -> String {
    format!("{} Columns: chatzy-export schema", plain(table.meaning()))
}

fn compression(codec: ParquetCodec) -> Compression {
    match codec {
        // The settings allow 1 to 22 only, all of which are valid levels.
        ParquetCodec::Zstd(level) => Compression::ZSTD(ZstdLevel::try_new(level).unwrap_or_default()),
        ParquetCodec::Snappy => Compression::SNAPPY,
        ParquetCodec::None => Compression::UNCOMPRESSED,
    }
}

/// Opens a Parquet file and the factory of its row groups. `values` is the maximum number of distinct values
/// per group. Arrow's own copy of the schema is only added for the sake of [`describe_columns`]: the column
/// types suffice.
fn file<W: Write + Send>(
    schema: &SchemaRef,
    properties: &WriterProperties,
    values: usize,
    into: W,
) -> Result<(SerializedFileWriter<W>, ArrowRowGroupWriterFactory), ParquetError> {
    let mut properties = properties.clone().into_builder();
    for name in LOOKED_UP.iter().filter(|name| schema.column_with_name(name).is_some()) {
        properties = properties.set_column_bloom_filter_max_ndv(ColumnPath::from(*name), values as u64);
    }
    let root = ArrowSchemaConverter::new().convert(schema)?.root_schema_ptr();
    let file = SerializedFileWriter::new(into, root, properties.build().into())?;
    let groups = ArrowRowGroupWriterFactory::new(&file, schema.clone());
    Ok((file, groups))
}

/// Returns a factory of row groups like those of [`ParquetEncoder::new`], without a file.
pub(super) fn groups(
    schema: &SchemaRef,
    properties: &WriterProperties,
    values: usize,
) -> Result<ArrowRowGroupWriterFactory, ParquetError> {
    file(schema, properties, values, io::sink()).map(|(_, groups)| groups)
}

/// An open Parquet file. It holds the encoded pages of an open group. Between two groups it holds only
/// metadata.
pub(super) struct ParquetEncoder {
    writer: SerializedFileWriter<PartFile>,
    groups: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    open: Option<OpenGroup>,
    path: PathBuf,
    bytes: u64,
}

impl ParquetEncoder {
    /// Creates a file. `values` is the maximum number of distinct values per group: bloom filters are sized
    /// for it before they shrink.
    pub(super) fn new(
        schema: &SchemaRef,
        properties: &WriterProperties,
        part: PartFile,
        values: usize,
    ) -> Result<Self, OutputError> {
        let path = part.path().to_owned();
        match file(schema, properties, values, part) {
            Ok((writer, groups)) => {
                Ok(Self { writer, groups, schema: schema.clone(), open: None, path, bytes: 0 })
            }
            Err(source) => Err(OutputError::Parquet { path, source }),
        }
    }

    /// Bytes of the finished groups.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Appends rows to the open row group.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        let group = OpenGroup::of(&mut self.open, &self.groups, &self.schema);
        let written = group.and_then(|group| group.write(batch));
        self.checked(written)
    }

    /// Appends an encoded row group.
    pub(super) fn append(&mut self, group: ClosedGroup) -> Result<(), OutputError> {
        let appended = group.append_to(&mut self.writer);
        self.checked(appended)?;
        self.end_group()
    }

    /// Ends the open row group.
    pub(super) fn end_group(&mut self) -> Result<(), OutputError> {
        let ended = self.try_end_group();
        let part = self.writer.inner_mut();
        part.park();
        self.bytes = part.bytes();
        self.checked(ended)
    }

    fn try_end_group(&mut self) -> Result<(), ParquetError> {
        if let Some(group) = self.open.take() {
            group.close()?.append_to(&mut self.writer)?;
        }
        Ok(self.writer.flush()?)
    }

    /// Adds the path to an error.
    fn checked(&mut self, result: Result<(), ParquetError>) -> Result<(), OutputError> {
        match (result, self.writer.inner_mut().take_failure()) {
            (Ok(()), None) => Ok(()),
            (_, Some(failure)) => Err(failure.into()),
            (Err(source), None) => Err(refusal(source, &self.path)),
        }
    }

    /// Writes the footer and syncs the file.
    pub(super) fn finish(self) -> Result<Finished, OutputError> {
        Ok(self.end()?.finish()?)
    }

    /// Rewrites the file with full row groups, and syncs it.
    pub(super) fn finish_joined(
        self,
        schema: &SchemaRef,
        properties: &WriterProperties,
        values: usize,
        group_bytes: u64,
    ) -> Result<Finished, OutputError> {
        let groups = self.writer.flushed_row_groups().len();
        let mut part = self.end()?;
        if groups < 2 {
            return Ok(part.finish()?);
        }
        part.park();
        let path = part.path().to_owned();
        let mut whole = path.clone().into_os_string();
        whole.push(".whole");
        let whole = PathBuf::from(whole);
        let mut joined = Self::new(schema, properties, PartFile::new(whole.clone()), values)?;
        joined.copy(&path, groups, schema, group_bytes)?;
        let finished = joined.finish()?;
        durable::rename(&whole, &path)?;
        Ok(finished)
    }

    /// Copies all rows of a file. Reading one row group at a time bounds the memory.
    fn copy(
        &mut self,
        from: &Path,
        groups: usize,
        schema: &SchemaRef,
        group_bytes: u64,
    ) -> Result<(), OutputError> {
        let file = File::open(from).on("read", from)?;
        let refused = |source| OutputError::Parquet { path: from.to_owned(), source };
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(refused)?;
        let mut size = GroupSize::default();
        for group in 0..groups {
            let file = file.try_clone().on("read", from)?;
            let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata.clone())
                .with_row_groups(vec![group])
                .build()
                .map_err(refused)?;
            for batch in reader {
                let batch = batch
                    .and_then(|batch| RecordBatch::try_new(schema.clone(), batch.columns().to_vec()))
                    .map_err(|source| refused(source.into()))?;
                self.copy_batch(batch, &mut size, group_bytes)?;
            }
        }
        self.end_group()
    }

    fn copy_batch(
        &mut self,
        mut batch: RecordBatch,
        size: &mut GroupSize,
        group_bytes: u64,
    ) -> Result<(), OutputError> {
        loop {
            let fitting = size.fill(&batch, group_bytes);
            self.write(&batch.slice(0, fitting))?;
            if fitting == batch.num_rows() {
                return Ok(());
            }
            batch = batch.slice(fitting, batch.num_rows() - fitting);
            self.end_group()?;
            *size = GroupSize::default();
        }
    }

    /// Writes the footer and returns the file.
    fn end(mut self) -> Result<PartFile, OutputError> {
        if let Err(source) = self.writer.finish() {
            return match self.writer.inner_mut().take_failure() {
                Some(failure) => Err(failure.into()),
                None => Err(OutputError::Parquet { path: self.path, source }),
            };
        }
        // `into_inner` would write a second footer, so this takes the file out of the writer.
        Ok(std::mem::replace(self.writer.inner_mut(), PartFile::new(self.path)))
    }
}
