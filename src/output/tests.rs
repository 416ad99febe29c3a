//! Tests that all formats and codecs share.

mod fixture;
mod pieces;
mod thread;

use std::fs::{self, File};

use arrow::array::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Encoding;

use super::{OutputError, TableWriter};
use crate::settings::{Format, ParquetCodec, PartitionKey};
use crate::table::{Rows, Table};
use fixture::*;

fn odd_messages() -> Vec<Message> {
    let contents =
        ["", "\u{0}\u{1}\u{1b}[31m", "a\nb\r\n\t\"\\", "é😀\u{202e}\u{feff}\u{2028}", "=cmd()", "null"];
    let mut messages: Vec<_> = contents
        .iter()
        .enumerate()
        .map(|(number, content)| Message { content: Some((*content).to_owned()), ..message(0, number) })
        .collect();
    messages.push(Message { content: None, time: None, channel: None, ..message(0, 6) });
    messages.push(Message { time: Some(-62_167_219_200_000_000), ..message(0, 7) });
    messages.push(Message { time: Some(253_402_300_799_999_999), ..message(0, 8) });
    messages.push(Message { extra: Some("{\"b\": [1.50,\n null], \"a\": \"\\u00e9\"}"), ..message(0, 9) });
    messages
}

#[test]
fn rows_come_back_equal_and_in_order() {
    for format in FORMATS {
        let staging = tempfile::tempdir().unwrap();
        let messages = odd_messages();
        let files = write(&spec(format, &[], 1 << 20), staging.path(), &[&messages]);
        assert_eq!(files.len(), 1, "{format:?}");
        let file = &files[0];
        assert_eq!(
            read(staging.path(), file),
            messages.iter().map(expected).collect::<Vec<_>>(),
            "{format:?}"
        );
        assert_eq!(file.min_created_at, Some(-62_167_219_200_000_000));
        assert_eq!(file.max_created_at, Some(253_402_300_799_999_999));
        let bytes = fs::read(staging.path().join(&file.path)).unwrap();
        assert_eq!(file.sha256, crate::digest::hex(&<sha2::Sha256 as sha2::Digest>::digest(bytes)));
    }
}

#[test]
fn no_rows_make_no_file() {
    for format in FORMATS {
        let staging = tempfile::tempdir().unwrap();
        assert_eq!(write(&spec(format, &[PartitionKey::Month], 1), staging.path(), &[&[], &[]]), []);
        assert!(tree(staging.path()).is_empty());
    }
}

#[test]
fn equal_rows_make_equal_bytes_however_they_are_cut() {
    let messages: Vec<_> = (0..5000).map(|n| Message { contact: n / 100, ..message(0, n) }).collect();
    for format in FORMATS {
        for keys in [&[][..], &[PartitionKey::Date], &[PartitionKey::Channel, PartitionKey::Year]] {
            let spec = spec(format, keys, 1 << 30);
            let trees = [1, 7, 100, 5000].map(|rows_at_once| {
                let staging = tempfile::tempdir().unwrap();
                write(&spec, staging.path(), &messages.chunks(rows_at_once).collect::<Vec<_>>());
                tree(staging.path())
            });
            assert!(trees.iter().all(|tree| *tree == trees[0]), "{format:?} {keys:?}");
        }
    }
}

#[test]
fn files_are_closed_at_the_first_contact_after_the_target() {
    let contacts: Vec<Vec<_>> = (0..200)
        .map(|contact| {
            let text =
                |n: usize| (0..40).map(move |i| format!("{:x}", (contact * 7919 + n * 104_729 + i) % 65_521));
            (0..10).map(|n| Message { content: Some(text(n).collect()), ..message(contact, n) }).collect()
        })
        .collect();
    let target = 20_000;
    for format in FORMATS {
        let staging = tempfile::tempdir().unwrap();
        let slices: Vec<_> = contacts.iter().map(Vec::as_slice).collect();
        let files = write(&spec(format, &[], target), staging.path(), &slices);
        assert!(files.len() > 2, "{format:?}: {}", files.len());
        let mut all = Vec::new();
        for (number, file) in files.iter().enumerate() {
            assert!(file.path.starts_with(&format!("messages/part-20261120T020000Z-abc123-{number:05}.")));
            assert!(number + 1 == files.len() || file.bytes >= target, "{format:?} {}", file.bytes);
            assert!(file.bytes < 3 * target, "{format:?} {}", file.bytes);
            let ids = ids(&read(staging.path(), file));
            assert_eq!(ids.len() % 10, 0, "a contact is in one file");
            all.extend(ids);
        }
        assert_eq!(all, ids(&contacts.iter().flatten().map(expected).collect::<Vec<_>>()));
    }
}

#[test]
fn partitions_follow_the_hive_rules() {
    let keys = [
        PartitionKey::Channel,
        PartitionKey::Year,
        PartitionKey::Month,
        PartitionKey::Date,
        PartitionKey::Run,
        PartitionKey::ExportDate,
    ];
    let messages = [
        Message { channel: Some("web/site é"), ..message(0, 0) },
        Message { time: Some(-1), ..message(0, 1) },
        Message { time: None, channel: None, ..message(0, 2) },
        Message { time: Some(0), channel: Some(""), ..message(0, 3) },
    ];
    for format in FORMATS {
        let staging = tempfile::tempdir().unwrap();
        let files = write(&spec(format, &keys, 1 << 20), staging.path(), &[&messages]);
        let folders: Vec<_> = files.iter().map(|file| file.path.rsplit_once('/').unwrap().0).collect();
        let end = "run=20261120T020000Z-abc123/export_date=2026-11-20";
        let null = "__HIVE_DEFAULT_PARTITION__";
        assert_eq!(
            folders,
            [
                format!("messages/channel={null}/year=1970/month=1970-01/date=1970-01-01/{end}"),
                format!("messages/channel={null}/year={null}/month={null}/date={null}/{end}"),
                format!("messages/channel=web%2Fsite%20%C3%A9/year=2026/month=2026-11/date=2026-11-20/{end}"),
                format!("messages/channel=whatsapp/year=1969/month=1969-12/date=1969-12-31/{end}"),
            ]
        );
        assert_eq!(files[2].partition[0], ("channel".to_owned(), Some("web/site é".to_owned())));
        assert_eq!(files[1].partition[1], ("year".to_owned(), None));
        let row = read(staging.path(), &files[2]).remove(0);
        assert!(row.get("channel").is_none(), "readers take the channel from the path");
        assert!(row.get("created_at").is_some());
    }
}

#[test]
fn days_of_one_month_share_a_folder() {
    let months = [(0, "2026-11"), (1, "2026-11"), (20, "2026-12"), (2, "2026-11"), (21, "2026-12")];
    let messages =
        [0, 1, 2, 3, 4].map(|n| Message { time: Some(START + months[n].0 * DAY), ..message(0, n) });
    let staging = tempfile::tempdir().unwrap();
    let spec = spec(FORMATS[3], &[PartitionKey::Month], 1 << 20);
    let files = write(&spec, staging.path(), &[&messages]);
    let found: Vec<_> = files.iter().map(|file| (file.partition[0].1.as_deref(), file.rows)).collect();
    assert_eq!(found, [(Some("2026-11"), 3), (Some("2026-12"), 2)]);
}

#[test]
fn keys_of_messages_do_not_apply_to_other_tables() {
    let spec = spec(FORMATS[0], &[PartitionKey::Month, PartitionKey::Channel, PartitionKey::Run], 1);
    let staging = tempfile::tempdir().unwrap();
    let columns =
        Table::Coverage.columns().iter().map(|column| arrow::array::new_null_array(&column.kind.arrow(), 1));
    let batch = RecordBatch::try_new(Table::Coverage.arrow(), columns.collect()).unwrap();
    let mut writer = TableWriter::new(&spec, Table::Coverage, staging.path());
    writer.write(&Rows { table: Table::Coverage, batch, message_time: None }).unwrap();
    let files = writer.finish().unwrap();
    assert_eq!(
        files[0].path.as_str(),
        "coverage/run=20261120T020000Z-abc123/part-20261120T020000Z-abc123-00000.parquet"
    );
    assert_eq!((files[0].min_created_at, files[0].rows), (None, 1));
}

#[test]
fn three_thousand_partitions_need_few_file_descriptors() {
    for (format, partitions) in [(FORMATS[0], 3000), (FORMATS[4], 100), (FORMATS[5], 100)] {
        let day = |n: usize| START + i64::try_from(n % partitions).unwrap() * DAY;
        let messages: Vec<_> =
            (0..2 * partitions).map(|n| Message { time: Some(day(n)), ..message(n % 7, n) }).collect();
        let staging = tempfile::tempdir().unwrap();
        let spec = spec(format, &[PartitionKey::Date], 1 << 20);
        let mut writer = TableWriter::new(&spec, Table::Messages, staging.path());
        for chunk in messages.chunks(partitions) {
            writer.write(&rows(chunk)).unwrap();
            writer.flush_all();
            writer.end_contact().unwrap();
            let open = fs::read_dir("/proc/self/fd").unwrap().count();
            assert!(open < 500, "{open} files are open");
        }
        let files = writer.finish().unwrap();
        assert_eq!(files.len(), partitions);
        // Each file was written in two pieces and is whole.
        assert_eq!(ids(&read(staging.path(), &files[17])).len(), 2);
        assert_eq!(tree(staging.path()).len(), partitions, "nothing else is left");
    }
}

#[test]
fn memory_of_waiting_rows_is_bounded() {
    let text = "x".repeat(1 << 20);
    let big = |n: usize| Message {
        content: Some(text.clone()),
        time: Some(START + i64::try_from(n % 50).unwrap() * DAY),
        ..message(0, n)
    };
    let staging = tempfile::tempdir().unwrap();
    let spec = spec(Format::Parquet(ParquetCodec::Snappy), &[PartitionKey::Date], 1 << 40);
    let mut writer = TableWriter::new(&spec, Table::Messages, staging.path());
    for n in 0..150 {
        writer.write(&rows(&[big(n)])).unwrap();
        assert!(writer.waiting() <= 64 << 20);
    }
    let files = writer.finish().unwrap();
    assert_eq!(files.iter().map(|file| file.rows).sum::<u64>(), 150);
    for (day, file) in files.iter().enumerate() {
        let ids = [day, day + 50, day + 100].map(|n| format!("m0-{n}"));
        assert_eq!(fixture::ids(&read(staging.path(), file)), ids);
        let reader = File::open(staging.path().join(&file.path)).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(reader).unwrap();
        assert_eq!(reader.metadata().num_row_groups(), 1, "groups written early are joined");
    }
    assert_eq!(tree(staging.path()).len(), 50, "nothing else is left");
}

#[test]
fn one_huge_row_is_written() {
    for format in [FORMATS[1], FORMATS[3]] {
        let staging = tempfile::tempdir().unwrap();
        let huge = Message { content: Some("é\n".repeat(17 << 20)), ..message(0, 1) };
        let files =
            write(&spec(format, &[], 1 << 40), staging.path(), &[&[message(0, 0), huge, message(0, 2)]]);
        let rows = read(staging.path(), &files[0]);
        assert_eq!(ids(&rows), ["m0-0", "m0-1", "m0-2"]);
        assert_eq!(rows[1]["content"].as_str().unwrap().len(), 51 << 20);
    }
}

#[test]
fn jsonl_has_keys_in_column_order_and_nulls() {
    let staging = tempfile::tempdir().unwrap();
    let odd = Message { extra: Some("{\"z\":\n1.0,\"a\":\"\\ud83d\"}"), ..message(3, 1) };
    let good = Message { extra: Some("{\"z\":\n1.0}"), content: None, time: None, ..message(3, 2) };
    let files = write(&spec(FORMATS[3], &[], 1), staging.path(), &[&[message(3, 0), odd, good]]);
    insta::assert_snapshot!(read_jsonl(&staging.path().join(&files[0].path)), @r#"
    {"message_id":"m3-0","conversation_id":null,"contact_id":"c3","message_order":0,"role":null,"content":"hello 0","created_at":"2026-11-20T02:00:00.000000Z","channel":"whatsapp","conversation_type":null,"conversation_status":null,"assigned_to":null,"chatbot_id":null,"extra":null,"exported_at":"2026-11-20T02:00:00.000000Z","run_id":null}
    {"message_id":"m3-1","conversation_id":null,"contact_id":"c3","message_order":1,"role":null,"content":"hello 1","created_at":"2026-11-20T02:00:01.000001Z","channel":"whatsapp","conversation_type":null,"conversation_status":null,"assigned_to":null,"chatbot_id":null,"extra":"{\"z\":\n1.0,\"a\":\"\\ud83d\"}","exported_at":"2026-11-20T02:00:00.000000Z","run_id":null}
    {"message_id":"m3-2","conversation_id":null,"contact_id":"c3","message_order":2,"role":null,"content":null,"created_at":null,"channel":"whatsapp","conversation_type":null,"conversation_status":null,"assigned_to":null,"chatbot_id":null,"extra":{"z": 1.0},"exported_at":"2026-11-20T02:00:00.000000Z","run_id":null}
    "#);
}

#[test]
fn parquet_files_have_metadata_filters_and_portable_encodings() {
    let staging = tempfile::tempdir().unwrap();
    let messages: Vec<_> = (0..100).map(|n| message(0, n)).collect();
    let files = write(&spec(FORMATS[0], &[], 1 << 20), staging.path(), &[&messages]);
    let file = File::open(staging.path().join(&files[0].path)).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let metadata = reader.metadata();
    let about = metadata.file_metadata();
    assert_eq!(about.created_by(), Some(concat!("chatzy-export ", env!("CARGO_PKG_VERSION"))));
    let key_values = about.key_value_metadata().unwrap();
    assert!(key_values.iter().any(|kv| kv.key == "table" && kv.value.as_deref() == Some("messages")));
    assert!(key_values.iter().any(|kv| kv.key == "schema_version" && kv.value.as_deref() == Some("1")));
    let description = key_values.iter().find(|kv| kv.key == "description").and_then(|kv| kv.value.as_deref());
    assert_eq!(description, Some("One row per message. Columns: chatzy-export schema"));
    let meaning =
        |name: &str| reader.schema().field_with_name(name).unwrap().metadata().get("description").cloned();
    for column in Table::Messages.columns() {
        assert!(meaning(column.name).is_some_and(|meaning| meaning.ends_with('.')), "{}", column.name);
    }
    let column = |name: &str| {
        let group = metadata.row_group(0);
        group.columns().iter().find(|c| c.column_path().string() == name).unwrap().clone()
    };
    for name in ["message_id", "contact_id"] {
        let bytes = column(name).bloom_filter_length().unwrap();
        assert!(bytes < 512, "{name}: a filter of {bytes} bytes for 100 rows");
    }
    assert!(column("role").bloom_filter_offset().is_none());
    assert!(column("content").statistics().is_none());
    assert!(column("content").dictionary_page_offset().is_none());
    assert!(column("message_id").statistics().is_some());
    assert!(column("contact_id").dictionary_page_offset().is_some());
    // Spark reads times before 1900 only from files with this key.
    assert!(
        key_values
            .iter()
            .any(|kv| kv.key == "org.apache.spark.version" && kv.value.as_deref() == Some("3.1.0"))
    );
    for column in metadata.row_group(0).columns() {
        let is_delta = |encoding: &Encoding| format!("{encoding:?}").starts_with("DELTA");
        assert!(!column.encodings().any(|encoding| is_delta(&encoding)), "{}", column.column_path());
    }
    assert!(column("message_order").dictionary_page_offset().is_some());
    assert!(column("created_at").dictionary_page_offset().is_none());
}

#[test]
fn an_error_of_the_file_system_names_the_path() {
    for format in FORMATS {
        let staging = tempfile::tempdir().unwrap();
        fs::OpenOptions::new().create(true).append(true).open(staging.path().join("messages")).unwrap();
        let mut writer = TableWriter::new(&spec(format, &[], 1), Table::Messages, staging.path());
        writer.write(&rows(&[message(0, 0)])).unwrap();
        let error = writer.finish().unwrap_err();
        assert!(matches!(error, OutputError::Storage(_)), "{error:?}");
        assert!(error.to_string().ends_with("messages"), "{error}");
    }
}
