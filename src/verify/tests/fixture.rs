//! A small export for tests, written like a real one.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, new_null_array,
};

use crate::digest::sha256;
use crate::durable;
use crate::output::manifest::{
    ContactCounts, FileEntry, Input, Manifest, Requests, Source, Status, TableEntry, Tool,
};
use crate::output::{OutputSpec, TableWriter};
use crate::publish::{Draft, STAGE, publish};
use crate::settings::{Format, OutputSettings, PartitionKey, TableFormat};
use crate::store::Store;
use crate::table::{Kind, Rows, Table};

/// Contact, its status and its number of messages.
pub(super) const CONTACTS: [(&str, &str, i64); 4] =
    [("c0", "exported", 3), ("c1", "empty", 0), ("c2", "failed", 0), ("c3", "unresolved", 2)];

/// Changes that a test makes to the rows before they are written.
#[derive(Clone, Copy, Default)]
pub(crate) struct Twist {
    pub(super) message_id: Option<&'static str>,
    pub(super) coverage_messages: Option<i64>,
    pub(super) doubled_coverage: bool,
    pub(super) without_contact: Option<&'static str>,
}

/// Creates rows with these values. Other columns are null, or have some value if they are never null.
fn rows(table: Table, run_id: &str, values: &BTreeMap<&str, ArrayRef>, count: usize) -> Rows {
    let columns = table.columns().iter().map(|column| match (values.get(column.name), column.kind) {
        (Some(values), _) => values.clone(),
        (None, kind) if column.nullable => new_null_array(&kind.arrow(), count),
        (None, Kind::Int) => Arc::new(Int64Array::from(vec![0; count])),
        (None, Kind::Ts) => Arc::new(times(count)),
        (None, _) => texts(std::iter::repeat_n(run_id, count)),
    });
    let batch = RecordBatch::try_new(table.arrow(), columns.collect()).unwrap();
    Rows { table, batch, message_time: table.is_per_message().then(|| times(count)) }
}

fn times(count: usize) -> TimestampMicrosecondArray {
    TimestampMicrosecondArray::from(vec![0; count]).with_timezone("UTC")
}

/// Time 0 for contacts with messages.
fn times_of(contacts: &[(&str, &str, i64)]) -> ArrayRef {
    let times: TimestampMicrosecondArray = contacts.iter().map(|c| (c.2 > 0).then_some(0)).collect();
    Arc::new(times.with_timezone("UTC"))
}

fn texts<'a>(values: impl IntoIterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn tables(run_id: &str, twist: Twist) -> [Rows; 3] {
    let mut covered = CONTACTS.to_vec();
    if twist.doubled_coverage {
        covered.push(CONTACTS[1]);
    }
    let counts =
        covered.iter().map(|c| if c.0 == "c3" { twist.coverage_messages.unwrap_or(c.2) } else { c.2 });
    let coverage = BTreeMap::from([
        ("contact_id", texts(covered.iter().map(|c| c.0))),
        ("status", texts(covered.iter().map(|c| c.1))),
        ("messages", Arc::new(counts.collect::<Int64Array>()) as ArrayRef),
        ("first_message_at", times_of(&covered)),
        ("last_message_at", times_of(&covered)),
    ]);
    let is_known = |c: &(&str, &str, i64)| c.1 != "failed" && Some(c.0) != twist.without_contact;
    let known: Vec<_> = CONTACTS.into_iter().filter(is_known).collect();
    let contacts = BTreeMap::from([
        ("contact_id", texts(known.iter().map(|c| c.0))),
        ("message_count", Arc::new(known.iter().map(|c| c.2).collect::<Int64Array>()) as ArrayRef),
        ("first_message_at", times_of(&known)),
        ("last_message_at", times_of(&known)),
    ]);
    let messages = BTreeMap::from([
        ("contact_id", texts(["c0", "c0", "c0", "c3", "c3"])),
        ("message_id", texts(["a", "b", twist.message_id.unwrap_or("c"), "a", "b"])),
        ("created_at", Arc::new(times(5)) as ArrayRef),
    ]);
    [
        rows(Table::Coverage, run_id, &coverage, covered.len()),
        rows(Table::Contacts, run_id, &contacts, known.len()),
        rows(Table::Messages, run_id, &messages, 5),
    ]
}

pub(crate) fn export(out: &Path, run_id: &str, format: Format, twist: Twist) {
    export_with(out, run_id, format, twist, None);
}

/// Creates an export, optionally with a raw archive.
pub(super) fn export_with(out: &Path, run_id: &str, format: Format, twist: Twist, raw: Option<&str>) {
    let work = out.join("_work");
    let spec = OutputSpec {
        settings: OutputSettings {
            format,
            partition_by: vec![PartitionKey::Month],
            target_file_size: 1 << 20,
            table_format: TableFormat::None,
        },
        run_id: run_id.parse().unwrap(),
        export_date: "2026-11-20".parse().unwrap(),
        shard: None,
        uploads: None,
    };
    let mut files = Vec::new();
    let mut entries: BTreeMap<_, _> =
        Table::ALL.map(|table| (table.name().to_owned(), TableEntry::new(table, 0))).into();
    for rows in tables(run_id, twist) {
        let mut writer = TableWriter::new(&spec, rows.table, &work.join(STAGE));
        writer.write(&rows).unwrap();
        files.extend(writer.finish().unwrap());
        let count = rows.batch.num_rows() as u64;
        entries.insert(rows.table.name().to_owned(), TableEntry::new(rows.table, count));
    }
    let mut files: Vec<FileEntry> = files.iter().map(Into::into).collect();
    if let Some(text) = raw {
        let path = format!("raw/part-{run_id}-00000.jsonl");
        durable::create_dir_all(&work.join(STAGE).join("raw")).unwrap();
        durable::create_new(&work.join(STAGE).join(&path)).unwrap().write_all(text.as_bytes()).unwrap();
        files.push(FileEntry {
            table: "raw".into(),
            path: path.parse().unwrap(),
            rows: 2,
            bytes: text.len() as u64,
            sha256: sha256(text),
            partition: Vec::new(),
            min_created_at: None,
            max_created_at: None,
        });
    }
    let time = "2026-11-20T02:00:00.000000Z";
    let manifest = Manifest {
        manifest_version: 1,
        schema_version: 1,
        run_id: spec.run_id,
        status: Status::Partial,
        tool: Tool::default(),
        started_at: time.into(),
        finished_at: time.into(),
        source: Source { base_url: "https://api.example".into() },
        options: crate::output::manifest::RunOptions {
            partition_by: vec!["month".to_owned()],
            ..crate::output::manifest::RunOptions::default()
                .with_output(&spec.settings, crate::settings::RawAnswers::Dropped)
        },
        input: Input {
            path: "-".into(),
            sha256: sha256(""),
            lines: 4,
            contacts: 4,
            duplicates: 0,
            suppressed: 0,
            doubts: Vec::new(),
        },
        contacts: ContactCounts {
            requested: 4,
            exported: 1,
            empty: 1,
            unresolved: 1,
            failed: 1,
            ..ContactCounts::default()
        },
        requests: Requests::default(),
        unknown_fields: BTreeMap::new(),
        known_fields: BTreeMap::new(),
        schema_changes: Vec::new(),
        tables: entries,
        files,
        previous: None,
        state: None,
        shards: None,
        rebuilt_from: None,
        snapshot_of: Vec::new(),
    };
    publish(
        &Store::local(out),
        &work,
        Draft { manifest, lists: Vec::new(), failed_csv: Some("contact_id\nc2\n".into()) },
        &mut |_| Ok(()),
    )
    .unwrap();
}
