//! Tests that rows come back as they were written, in every format, and that damage is an error.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::compute::concat_batches;
use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;

use super::{ReadError, Wanted, batches};
use crate::output::manifest::{FileEntry, Manifest, TableEntry};
use crate::output::{OutputSpec, TableWriter};
use crate::settings::{Format, JsonlCodec, OutputSettings, ParquetCodec, PartitionKey, TableFormat};
use crate::store::Store;
use crate::table::{Kind, Rows, Table};

const FORMATS: [Format; 4] = [
    Format::Parquet(ParquetCodec::Zstd(1)),
    Format::Jsonl(JsonlCodec::None),
    Format::Jsonl(JsonlCodec::Gzip),
    Format::Jsonl(JsonlCodec::Zstd(1)),
];

/// Values of `raw` as the API may send them. The last three are not strict JSON.
const RAW: [&str; 11] = [
    r#"{"a": 1.50,"a":"caf\u00e9 \n"}"#,
    "null",
    "-12.5e-3",
    r#""text\u0001 \"x\"""#,
    "true",
    "[]",
    r#""NaN, or so""#,
    r#""""#,
    r#"{"a":NaN,"b":"\""}"#,
    "\"\u{1}\u{2}\"",
    r#"["\ud83d"]"#,
];

/// Rows of a table whose values derive from the numbers.
fn rows(table: Table, numbers: &[u32], channels: &[Option<&str>]) -> RecordBatch {
    let text = |at: usize, number: u32| match (at + number as usize) % 4 {
        0 => None,
        1 => Some(format!("t{number}")),
        2 => Some("\u{0}\n\u{1f}\u{7f} \"\\ é\u{1F600}".repeat(number as usize % 9)),
        _ => Some(String::new()),
    };
    let columns = table.columns().iter().enumerate().map(|(at, column)| -> ArrayRef {
        let numbered = numbers.iter().enumerate();
        match (column.name, column.kind) {
            ("channel", _) => Arc::new(channels.iter().copied().collect::<StringArray>()),
            ("message_id" | "record_id", _) => {
                Arc::new(StringArray::from_iter_values(numbered.map(|(row, _)| format!("{row:06}"))))
            }
            ("raw", _) => {
                Arc::new(StringArray::from_iter_values(numbers.iter().map(|n| RAW[*n as usize % RAW.len()])))
            }
            (_, Kind::Str) => Arc::new(numbers.iter().map(|n| text(at, *n)).collect::<StringArray>()),
            (_, Kind::Json) => {
                let value = |n: &u32| {
                    (!n.is_multiple_of(3)).then(|| json!({ "n": n, "x": text(at, *n) }).to_string())
                };
                Arc::new(numbers.iter().map(value).collect::<StringArray>())
            }
            (_, Kind::Int) => {
                let value =
                    |n: &u32| (!n.is_multiple_of(5)).then(|| i64::from(*n) - i64::MAX * i64::from(n % 2));
                Arc::new(numbers.iter().map(value).collect::<Int64Array>())
            }
            (_, Kind::Ts) => {
                let value = |n: &u32| (!n.is_multiple_of(4)).then(|| (i64::from(*n) - 9) * 10_000_001_001);
                let times: TimestampMicrosecondArray = numbers.iter().map(value).collect();
                Arc::new(times.with_timezone("UTC"))
            }
            (_, Kind::Bool) => {
                let value = |n: &u32| (!n.is_multiple_of(3)).then_some(n.is_multiple_of(2));
                Arc::new(numbers.iter().map(value).collect::<BooleanArray>())
            }
        }
    });
    RecordBatch::try_new(table.arrow(), columns.collect()).unwrap()
}

/// Writes the rows as a published run, without its other tables.
fn publish(rows: &RecordBatch, table: Table, format: Format, keys: &[PartitionKey]) -> (TempDir, Manifest) {
    let out = tempfile::tempdir().unwrap();
    let spec = OutputSpec {
        settings: OutputSettings {
            format,
            partition_by: keys.to_vec(),
            target_file_size: 1 << 30,
            table_format: TableFormat::None,
        },
        run_id: "r1".parse().unwrap(),
        export_date: "2026-11-20".parse().unwrap(),
        shard: None,
        uploads: None,
    };
    let times = TimestampMicrosecondArray::new_null(rows.num_rows()).with_timezone("UTC");
    let message_time = table.is_per_message().then_some(times);
    let mut writer = TableWriter::new(&spec, table, out.path());
    writer.write(&Rows { table, batch: rows.clone(), message_time }).unwrap();
    let files = writer.finish().unwrap();
    let mut manifest: Manifest = serde_json::from_value(json!({
        "manifest_version": 1, "schema_version": 1, "run_id": "r1", "status": "complete",
        "tool": {"name": "x", "version": "1"}, "started_at": "", "finished_at": "", "source": {"base_url": ""},
        "options": {}, "input": {"path": "", "sha256": "", "lines": 0, "contacts": 0, "duplicates": 0},
        "contacts": {"requested": 0, "exported": 0, "empty": 0, "not_found": 0, "unresolved": 0, "failed": 0},
        "requests": {"sent": 0, "retries": 0, "by_status": {}}, "unknown_fields": {}, "tables": {},
        "files": [], "previous": null
    }))
    .unwrap();
    manifest.files = files.iter().map(FileEntry::from).collect();
    manifest.tables.insert(table.name().to_owned(), TableEntry::new(table, rows.num_rows() as u64));
    (out, manifest)
}

/// All rows of a run, in the order of its files.
fn read(out: &Path, manifest: &Manifest, wanted: Wanted) -> Result<RecordBatch, ReadError> {
    let mut all = Vec::new();
    for file in &manifest.files {
        for batch in batches(&Store::local(out), manifest, file, wanted)? {
            all.push(batch?);
        }
    }
    Ok(concat_batches(&all[0].schema(), &all).unwrap())
}

fn damage(out: &Path, manifest: &Manifest) -> String {
    read(out, manifest, Wanted::All).unwrap_err().to_string().replace(out.to_str().unwrap(), "OUT")
}

/// A JSONL run of one message, and its line.
fn one_line() -> (TempDir, Manifest, String) {
    let rows = rows(Table::Messages, &[1], &[None]);
    let (out, manifest) = publish(&rows, Table::Messages, Format::Jsonl(JsonlCodec::None), &[]);
    let line = std::fs::read_to_string(out.path().join(&manifest.files[0].path)).unwrap();
    (out, manifest, line)
}

/// Replaces the content of the only file.
fn replace(out: &Path, manifest: &mut Manifest, text: &str) {
    crate::durable::replace(&out.join(&manifest.files[0].path), text.as_bytes()).unwrap();
    manifest.files[0].bytes = text.len() as u64;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn rows_come_back_as_they_were_written(
        numbers in proptest::collection::vec(0..200_u32, 1..40),
        table in 0..5_usize,
        format in 0..FORMATS.len(),
    ) {
        let table = Table::ALL[table];
        let channels = vec![Some("whatsapp"); numbers.len()];
        let rows = rows(table, &numbers, &channels);
        for keys in [&[][..], &[PartitionKey::Channel, PartitionKey::Month]] {
            let (out, manifest) = publish(&rows, table, FORMATS[format], keys);
            prop_assert_eq!(&read(out.path(), &manifest, Wanted::All).unwrap(), &rows);
        }
    }
}

#[test]
fn the_channel_comes_from_the_path() {
    let channels = [Some("website"), None, Some("whatsapp"), Some("a/b")];
    for table in [Table::Messages, Table::ChannelRecords] {
        for format in FORMATS {
            let rows = rows(table, &[1, 2, 3, 4], &channels);
            let (out, manifest) = publish(&rows, table, format, &[PartitionKey::Channel]);
            assert_eq!(manifest.files.len(), 4);
            let found = read(out.path(), &manifest, Wanted::All).unwrap();
            let of = |batch: &RecordBatch| {
                let text = |name: &str, row: usize| {
                    let column = batch.column_by_name(name).unwrap();
                    let texts = column.as_any().downcast_ref::<StringArray>().unwrap();
                    texts.is_valid(row).then(|| texts.value(row).to_owned())
                };
                let mut pairs: Vec<_> =
                    (0..4).map(|row| (text("message_id", row), text("channel", row))).collect();
                pairs.sort();
                pairs
            };
            assert_eq!(of(&found), of(&rows));
            assert_eq!(found.schema(), table.arrow());
        }
    }
}

#[test]
fn only_the_wanted_columns_are_read() {
    for format in FORMATS {
        let rows = rows(Table::Messages, &[1, 2, 3], &[None; 3]);
        let (out, manifest) = publish(&rows, Table::Messages, format, &[PartitionKey::Channel]);
        let wanted = Wanted::Named(&["channel", "role", "message_id", "no such column"]);
        let found = read(out.path(), &manifest, wanted).unwrap();
        let names: Vec<_> = found.schema().fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!(names, ["message_id", "role", "channel"]);
        assert_eq!(found.column(1), rows.column_by_name("role").unwrap());
    }
}

/// A text of control characters takes six times its length in a line.
#[test]
fn a_line_that_is_too_long_for_memory_is_read() {
    let mut columns =
        rows(Table::ChannelRecords, &[1, 2, 4, 8, 9], &[Some("whatsapp"); 5]).columns().to_vec();
    let at = |name: &str| Table::ChannelRecords.arrow().index_of(name).unwrap();
    let long = "\u{1}\u{1f}é\"\\\n".repeat(50 << 10);
    columns[at("text")] = Arc::new(StringArray::from(vec![Some(long.as_str()); 5]));
    let not_strict = format!("{{\"long\":\"{}\", \"n\":NaN}}", "\u{1}".repeat(200 << 10));
    let strict = format!("{{\"long\":\"{}\"}}", "\\u0001é".repeat(150 << 10));
    let string = serde_json::to_string(&long).unwrap();
    columns[at("raw")] = Arc::new(StringArray::from(vec![&*not_strict, &strict, "-1.5e3", "null", &string]));
    let rows = RecordBatch::try_new(Table::ChannelRecords.arrow(), columns).unwrap();
    for codec in [JsonlCodec::None, JsonlCodec::Zstd(1)] {
        let (out, mut manifest) = publish(&rows, Table::ChannelRecords, Format::Jsonl(codec), &[]);
        assert_eq!(read(out.path(), &manifest, Wanted::All).unwrap(), rows);
        let few = read(out.path(), &manifest, Wanted::Named(&["run_id"])).unwrap();
        assert_eq!(few.column(0), rows.column_by_name("run_id").unwrap());
        manifest.files[0].rows = 4;
        let counted = damage(out.path(), &manifest);
        assert!(counted.ends_with("is damaged (it has 5 rows, but the manifest says 4)"), "{counted}");
    }
}

#[test]
fn damage_to_a_long_line_is_an_error() {
    let (out, mut manifest, line) = one_line();
    let long = "x".repeat(1 << 20);
    let mut error_of = |text: &str| {
        replace(out.path(), &mut manifest, text);
        damage(out.path(), &manifest)
    };
    let whole = line.replacen("\"message_id\":\"000000\"", &format!("\"message_id\":\"{long}\""), 1);
    let trailing = whole.replace("}\n", "} x\n");
    insta::assert_snapshot!(error_of(&trailing), @"OUT/messages/part-r1-00000.jsonl is damaged (line 1: more bytes after the object)");
    let cut = whole.trim_end().trim_end_matches('}').to_owned();
    insta::assert_snapshot!(error_of(&cut), @"OUT/messages/part-r1-00000.jsonl is damaged (line 1: the line ends early)");
    let bad = whole.replacen("\"role\":", "\"rule\":", 1);
    insta::assert_snapshot!(error_of(&bad), @"OUT/messages/part-r1-00000.jsonl is damaged (line 1: the column rule is out of order or unknown)");
}

#[test]
fn a_column_of_a_later_version_is_null_in_older_files() {
    let (out, mut manifest, line) = one_line();
    let (start, end) = line.split_once(",\"role\":").unwrap();
    let (_, end) = end.split_once(",\"content\":").unwrap();
    replace(out.path(), &mut manifest, &format!("{start},\"content\":{end}"));
    manifest.tables.get_mut("messages").unwrap().columns.retain(|column| column.name != "role");
    let found = read(out.path(), &manifest, Wanted::All).unwrap();
    assert_eq!(found.column_by_name("role").unwrap().null_count(), 1);
    assert_eq!(found.schema(), Table::Messages.arrow());
}

#[test]
fn a_file_that_its_manifest_does_not_describe_is_an_error() {
    let (out, manifest, line) = one_line();
    let mut changed = manifest.clone();
    replace(out.path(), &mut changed, &line.replacen("\"role\":", "\"rule\":", 1));
    insta::assert_snapshot!(damage(out.path(), &changed), @"OUT/messages/part-r1-00000.jsonl is damaged (line 1: the column rule is out of order or unknown at column 130)");
    replace(out.path(), &mut changed, &line.replace(",\"run_id\":\"\"", ""));
    insta::assert_snapshot!(damage(out.path(), &changed), @"OUT/messages/part-r1-00000.jsonl is damaged (line 1: 14 columns, expected 15 at column 415)");
    changed.files[0].bytes += 1;
    insta::assert_snapshot!(damage(out.path(), &changed), @"OUT/messages/part-r1-00000.jsonl is damaged (it has 416 bytes, expected 417)");
    std::fs::remove_file(out.path().join(&changed.files[0].path)).unwrap();
    insta::assert_snapshot!(damage(out.path(), &changed), @"OUT/messages/part-r1-00000.jsonl is damaged (it is missing)");
    std::os::unix::fs::symlink("/dev/zero", out.path().join(&changed.files[0].path)).unwrap();
    insta::assert_snapshot!(damage(out.path(), &changed), @"OUT/messages/part-r1-00000.jsonl is damaged (it is not a regular file, or a folder on the way is a symbolic link)");

    let rows = rows(Table::Messages, &[1], &[None]);
    let (out, mut manifest) = publish(&rows, Table::Messages, FORMATS[0], &[]);
    let columns = &mut manifest.tables.get_mut("messages").unwrap().columns;
    columns.swap(3, 4);
    insta::assert_snapshot!(damage(out.path(), &manifest), @"OUT/messages/part-r1-00000.parquet is damaged (the column message_order (Int64) is in place of role (str))");
    manifest.tables.get_mut("messages").unwrap().columns[3].kind = "int".to_owned();
    insta::assert_snapshot!(damage(out.path(), &manifest), @"OUT/messages/part-r1-00000.parquet is damaged (the manifest has another type for its column role)");
}
