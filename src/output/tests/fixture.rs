//! Test messages, and functions to write and read them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use super::super::{OutputSpec, StagedFile, TableWriter};
use crate::settings::{Format, JsonlCodec, OutputSettings, ParquetCodec, PartitionKey, TableFormat};
use crate::table::{Kind, Rows, Table};
use crate::time::format_time;

pub(super) const DAY: i64 = 86_400_000_000;
/// 2026-11-20T02:00:00Z in microseconds since 1970.
pub(super) const START: i64 = 1_795_140_000_000_000;

pub(super) const FORMATS: [Format; 6] = [
    Format::Parquet(ParquetCodec::Zstd(3)),
    Format::Parquet(ParquetCodec::Snappy),
    Format::Parquet(ParquetCodec::None),
    Format::Jsonl(JsonlCodec::None),
    Format::Jsonl(JsonlCodec::Gzip),
    Format::Jsonl(JsonlCodec::Zstd(3)),
];

/// A test message: contact, number, content, time, channel, extra.
#[derive(Clone)]
pub(super) struct Message {
    pub(super) contact: usize,
    pub(super) number: usize,
    pub(super) content: Option<String>,
    pub(super) time: Option<i64>,
    pub(super) channel: Option<&'static str>,
    pub(super) extra: Option<&'static str>,
}

pub(super) fn message(contact: usize, number: usize) -> Message {
    Message {
        contact,
        number,
        content: Some(format!("hello {number}")),
        time: Some(START + i64::try_from(number).unwrap() * 1_000_001),
        channel: Some("whatsapp"),
        extra: None,
    }
}

pub(super) fn spec(format: Format, partition_by: &[PartitionKey], target_file_size: u64) -> OutputSpec {
    OutputSpec {
        settings: OutputSettings {
            format,
            partition_by: partition_by.to_vec(),
            target_file_size,
            table_format: TableFormat::None,
        },
        run_id: "20261120T020000Z-abc123".parse().unwrap(),
        export_date: "2026-11-20".parse().unwrap(),
        shard: None,
        uploads: None,
    }
}

pub(super) fn rows(messages: &[Message]) -> Rows {
    let text = |value: &dyn Fn(&Message) -> Option<String>| -> ArrayRef {
        Arc::new(messages.iter().map(value).collect::<StringArray>())
    };
    let times: TimestampMicrosecondArray = messages.iter().map(|m| m.time).collect();
    let times = times.with_timezone("UTC");
    let columns = Table::Messages.columns().iter().map(|column| match (column.name, column.kind) {
        ("message_id", _) => text(&|m| Some(format!("m{}-{}", m.contact, m.number))),
        ("contact_id", _) => text(&|m| Some(format!("c{}", m.contact))),
        ("content", _) => text(&|m| m.content.clone()),
        ("channel", _) => text(&|m| m.channel.map(str::to_owned)),
        ("extra", _) => text(&|m| m.extra.map(str::to_owned)),
        ("message_order", _) => {
            let number = |m: &Message| i64::try_from(m.number).unwrap();
            Arc::new(messages.iter().map(number).collect::<Int64Array>())
        }
        ("created_at", _) => Arc::new(times.clone()),
        (_, Kind::Ts) => {
            Arc::new(TimestampMicrosecondArray::from(vec![START; messages.len()]).with_timezone("UTC"))
        }
        (_, Kind::Str | Kind::Json) => text(&|_| None),
        (_, Kind::Int | Kind::Bool) => unreachable!("messages have no other such column"),
    });
    let batch = RecordBatch::try_new(Table::Messages.arrow(), columns.collect()).unwrap();
    Rows { table: Table::Messages, batch, message_time: Some(times) }
}

/// Writes each slice as one batch that ends a contact.
pub(super) fn write(spec: &OutputSpec, staging: &Path, contacts: &[&[Message]]) -> Vec<StagedFile> {
    let mut writer = TableWriter::new(spec, Table::Messages, staging);
    for messages in contacts {
        writer.write(&rows(messages)).unwrap();
        writer.end_contact().unwrap();
    }
    writer.finish().unwrap()
}

/// The rows of a file as JSON objects, with keys sorted, and the file's columns in their order.
pub(super) fn read(staging: &Path, file: &StagedFile) -> Vec<Value> {
    let path = staging.join(&file.path);
    assert_eq!(fs::metadata(&path).unwrap().len(), file.bytes);
    let rows = if path.extension().is_some_and(|extension| extension == "parquet") {
        read_parquet(&path)
    } else {
        read_jsonl(&path).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    assert_eq!(rows.len() as u64, file.rows);
    rows
}

pub(super) fn read_jsonl(path: &Path) -> String {
    let file = File::open(path).unwrap();
    let mut text = String::new();
    match path.extension().and_then(|extension| extension.to_str()) {
        // The file must have one member or frame: readers that stop after the first must miss nothing.
        Some("gz") => flate2::read::GzDecoder::new(file).read_to_string(&mut text),
        Some("zst") => zstd::Decoder::new(file).unwrap().single_frame().read_to_string(&mut text),
        _ => { file }.read_to_string(&mut text),
    }
    .unwrap();
    text
}

pub(super) fn read_parquet(path: &Path) -> Vec<Value> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let batches = reader.build().unwrap().map(Result::unwrap);
    batches
        .flat_map(|batch| (0..batch.num_rows()).map(|row| json_row(&batch, row)).collect::<Vec<_>>())
        .collect()
}

pub(super) fn json_row(batch: &RecordBatch, row: usize) -> Value {
    let schema = batch.schema();
    let values = schema.fields().iter().zip(batch.columns()).map(|(field, column)| {
        let column_of_table = Table::Messages.columns().iter().find(|c| c.name == field.name()).unwrap();
        assert_eq!(*field.data_type(), column_of_table.kind.arrow(), "{}", field.name());
        let value = match column_of_table.kind {
            _ if column.is_null(row) => Value::Null,
            Kind::Str => json!(column.as_string::<i32>().value(row)),
            Kind::Json => serde_json::from_str(column.as_string::<i32>().value(row)).unwrap(),
            Kind::Int => json!(column.as_primitive::<Int64Type>().value(row)),
            Kind::Bool => json!(column.as_boolean().value(row)),
            Kind::Ts => json!(format_time(column.as_primitive::<TimestampMicrosecondType>().value(row))),
        };
        (field.name().clone(), value)
    });
    Value::Object(values.collect())
}

pub(super) fn expected(message: &Message) -> Value {
    let rows = rows(std::slice::from_ref(message));
    json_row(&rows.batch, 0)
}

pub(super) fn ids(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| row["message_id"].as_str().unwrap().to_owned()).collect()
}

/// All files below a folder, with their content.
pub(super) fn tree(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                let name = entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read(entry.path()).unwrap());
            }
        }
    }
    files
}
