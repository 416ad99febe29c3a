//! Logs of runs whose manifests are written by hand, in a store in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use object_store::memory::InMemory;
use serde_json::{Value, json};

use super::{DeltaError, Expected, FaultKind, Log, check, sync};
use crate::digest::sha256;
use crate::durable::Content;
use crate::id::RunId;
use crate::store::faults::{Fault, FaultStore};
use crate::store::{Integrity, Store};
use crate::table::Table;

/// Path, size and number of rows of a file.
type Written = (&'static str, u64, u64);
/// Sizes and numbers of rows by path.
type Named = BTreeMap<String, (u64, u64)>;

const NIGHT1: [Written; 3] = [
    ("contacts/part-r1-00000.parquet", 11, 1),
    ("messages/month=2026-11/part-r1-00000.parquet", 12, 2),
    ("coverage/part-r1-00000.parquet", 13, 1),
];
const NIGHT2: [Written; 2] =
    [("messages/month=2026-12/part-r2-00000.parquet", 22, 3), ("coverage/part-r2-00000.parquet", 23, 1)];

fn store(inner: &Arc<InMemory>) -> Store {
    Store::of_service("s3://bucket/prefix", Arc::clone(inner) as _, Integrity::Checksums)
}

fn in_memory() -> Store {
    store(&Arc::new(InMemory::new()))
}

/// Writes a manifest and makes it the newest.
fn put(store: &Store, run_id: &str, files: &[Written], options: &Value, snapshot_of: &Value) {
    let file = |(path, bytes, rows): &Written| {
        let partition = path.split('/').find_map(|part| part.strip_prefix("month="));
        let partition = partition.map_or_else(|| json!({}), |month| json!({"month": month}));
        json!({"table": path.split('/').next(), "path": path, "rows": rows, "bytes": bytes, "sha256": "00",
            "partition": partition, "min_created_at": null, "max_created_at": null})
    };
    let files: Vec<Value> = files.iter().map(file).collect();
    let manifest = json!({"manifest_version": 1, "schema_version": 1, "run_id": run_id, "status": "complete",
        "tool": {"name": "x", "version": "1"}, "started_at": "", "finished_at": "2026-11-20T02:00:01.500000Z",
        "source": {"base_url": ""}, "options": options,
        "input": {"path": "", "sha256": "", "lines": 1, "contacts": 1, "duplicates": 0},
        "contacts": {"requested": 1, "exported": 1, "empty": 0, "not_found": 0, "unresolved": 0, "failed": 0},
        "requests": {"sent": 0, "retries": 0, "by_status": {}}, "unknown_fields": {}, "tables": {},
        "files": files, "previous": null, "snapshot_of": snapshot_of});
    let (text, path) = (manifest.to_string(), format!("_runs/{run_id}/manifest.json"));
    store.write(&path, text.as_bytes()).unwrap();
    let latest = json!({"run_id": run_id, "manifest": path, "sha256": sha256(&text)});
    store.write("_runs/latest.json", latest.to_string().as_bytes()).unwrap();
}

fn monthly() -> Value {
    json!({"format": "parquet", "compression": "zstd:1", "partition_by": ["month"], "table_format": "delta"})
}

fn put_run(store: &Store, run_id: &str, files: &[Written]) {
    put(store, run_id, files, &monthly(), &json!([]));
}

fn read(store: &Store, path: &str) -> Option<String> {
    match store.read(path, 1 << 20).unwrap() {
        Content::Bytes(text) => Some(String::from_utf8(text).unwrap()),
        _ => None,
    }
}

/// The actions of a version.
fn version(store: &Store, table: &str, version: u64) -> Option<Vec<Value>> {
    let text = read(store, &format!("{table}/_delta_log/{version:020}.json"))?;
    Some(text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// Number of versions, and the files with sizes and rows: another reading of the log than that of the program.
fn names(store: &Store, table: &str) -> (u64, Named) {
    let (mut at, mut files) = (0, BTreeMap::new());
    while let Some(actions) = version(store, table, at) {
        for action in actions {
            if let Some(add) = action.get("add") {
                let stats: Value = serde_json::from_str(add["stats"].as_str().unwrap()).unwrap();
                let file = (add["size"].as_u64().unwrap(), stats["numRecords"].as_u64().unwrap());
                files.insert(add["path"].as_str().unwrap().to_owned(), file);
            } else if let Some(remove) = action.get("remove") {
                files.remove(remove["path"].as_str().unwrap()).expect("only what was added is removed");
            }
        }
        at += 1;
    }
    (at, files)
}

fn all_names(store: &Store) -> BTreeMap<&'static str, (u64, Named)> {
    Table::ALL.into_iter().map(|table| (table.name(), names(store, table.name()))).collect()
}

fn files(named: &[(&str, u64, u64)]) -> Named {
    named.iter().map(|(path, bytes, rows)| ((*path).to_owned(), (*bytes, *rows))).collect()
}

#[test]
fn each_run_is_one_version_of_the_tables_in_which_it_has_files() {
    let store = in_memory();
    put_run(&store, "r1", &NIGHT1);
    sync(&store, &[]).unwrap();
    let first = version(&store, "messages", 0).unwrap();
    let keys = |action: &Value| action.as_object().unwrap().keys().next().unwrap().clone();
    assert_eq!(first.iter().map(keys).collect::<Vec<_>>(), ["commitInfo", "protocol", "metaData", "add"]);
    assert_eq!(first[0]["commitInfo"]["runId"], "r1");
    assert_eq!(first[1]["protocol"], json!({"minReaderVersion": 1, "minWriterVersion": 2}));
    assert_eq!(first[2]["metaData"]["partitionColumns"], json!(["month"]));
    assert_eq!(
        first[3]["add"],
        json!({"path": "month=2026-11/part-r1-00000.parquet", "partitionValues": {"month": "2026-11"},
            "size": 12, "modificationTime": 1_795_140_001_500_i64, "dataChange": true, "stats": "{\"numRecords\":2}"})
    );
    assert_eq!(names(&store, "channel_records"), (1, BTreeMap::new()), "a table without rows has a log");
    put_run(&store, "r2", &NIGHT2);
    for _ in ["once", "again"] {
        sync(&store, &[]).unwrap();
        assert_eq!(
            names(&store, "messages"),
            (
                2,
                files(&[
                    ("month=2026-11/part-r1-00000.parquet", 12, 2),
                    ("month=2026-12/part-r2-00000.parquet", 22, 3)
                ])
            )
        );
        assert_eq!(names(&store, "contacts").0, 1, "nothing has changed");
        assert_eq!(names(&store, "coverage").0, 2);
    }
}

#[test]
fn a_run_leaves_the_logs_before_its_files_are_removed() {
    let store = in_memory();
    put_run(&store, "r1", &NIGHT1);
    put_run(&store, "r2", &NIGHT2);
    sync(&store, &[]).unwrap();
    let r1: RunId = "r1".parse().unwrap();
    sync(&store, &[&r1]).unwrap();
    let left = files(&[("month=2026-12/part-r2-00000.parquet", 22, 3)]);
    assert_eq!(names(&store, "messages"), (2, left.clone()));
    let removed = version(&store, "messages", 1).unwrap();
    assert_eq!(removed[0]["commitInfo"]["operation"], "DELETE");
    assert_eq!(removed[1]["remove"]["partitionValues"], json!({"month": "2026-11"}));
    store.remove(&[std::path::Path::new("_runs/r1/manifest.json")]).unwrap();
    sync(&store, &[]).unwrap();
    assert_eq!(names(&store, "messages"), (2, left));
}

#[test]
fn a_changed_file_gets_its_new_size() {
    let store = in_memory();
    put_run(&store, "r1", &NIGHT1);
    sync(&store, &[]).unwrap();
    put_run(&store, "r1", &[("contacts/part-r1-00000.parquet", 10, 1), NIGHT1[1], NIGHT1[2]]);
    sync(&store, &[]).unwrap();
    assert_eq!(names(&store, "contacts"), (2, files(&[("part-r1-00000.parquet", 10, 1)])));
    assert_eq!(names(&store, "messages").0, 1);
}

#[test]
fn a_fault_at_any_call_is_repaired_by_the_next() {
    let nights = |store: &Store| {
        put_run(store, "r1", &NIGHT1);
        sync(store, &[]).unwrap();
        put_run(store, "r2", &NIGHT2);
    };
    let r1: RunId = "r1".parse().unwrap();
    let leaving = [&r1];
    let (quiet, calls) = {
        let inner = Arc::new(InMemory::new());
        nights(&store(&inner));
        let service = Arc::new(FaultStore::new(&inner, None));
        let faulty = Store::of_service("s3://bucket/prefix", Arc::clone(&service) as _, Integrity::Checksums);
        sync(&faulty, &leaving).unwrap();
        (all_names(&store(&inner)), service.calls())
    };
    assert!(calls >= 15, "{calls} calls");
    for fault in Fault::ALL {
        for at in 0..calls {
            let inner = Arc::new(InMemory::new());
            nights(&store(&inner));
            let service = Arc::new(FaultStore::new(&inner, Some((at, fault))));
            let faulty = Store::of_service("s3://bucket/prefix", service, Integrity::Checksums);
            let ended = sync(&faulty, &leaving);
            assert!(!fault.is_end() || ended.is_err(), "{fault:?} at {at}");
            sync(&store(&inner), &leaving).unwrap();
            assert_eq!(all_names(&store(&inner)), quiet, "{fault:?} at {at}");
        }
    }
}

#[test]
fn writers_that_meet_write_each_change_once() {
    for _ in 0..20 {
        let store = in_memory();
        put_run(&store, "r1", &NIGHT1);
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let store = store.clone();
                std::thread::spawn(move || sync(&store, &[]).unwrap())
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        for (table, (versions, _)) in all_names(&store) {
            assert_eq!(versions, 1, "{table}");
        }
    }
}

#[test]
fn a_log_of_another_program_stays_as_it_is() {
    let foreign = r#"{"commitInfo":{"timestamp":1,"operation":"OPTIMIZE","engineInfo":"Apache-Spark/3.5"}}"#;
    let no_info = r#"{"add":{"path":"x.parquet","partitionValues":{},"size":1,"modificationTime":1,"dataChange":true}}"#;
    let unknown = r#"{"txn":{"appId":"a","version":1}}"#;
    for (text, what) in [
        (foreign, "Apache-Spark/3.5 wrote it"),
        (no_info, "another program wrote it"),
        (unknown, "its line 1 is not an action of this program"),
        ("", "it is empty"),
    ] {
        let store = in_memory();
        put_run(&store, "r1", &NIGHT1);
        sync(&store, &[]).unwrap();
        store.write("messages/_delta_log/00000000000000000001.json", text.as_bytes()).unwrap();
        put_run(&store, "r2", &NIGHT2);
        for result in [check(&store), sync(&store, &[])] {
            let error = result.unwrap_err();
            assert!(
                matches!(&error, DeltaError::Fault { .. }) && error.to_string().contains(what),
                "{error}"
            );
        }
        assert_eq!(version(&store, "messages", 2), None);
        assert_eq!(
            (names(&store, "conversations").0, names(&store, "coverage").0),
            (1, 1),
            "no log names the run"
        );
    }
}

/// Faults of a log whose first version has these lines after the information about its writer.
fn faults(lines: &str) -> Vec<(FaultKind, String)> {
    let store = in_memory();
    let text = format!("{{\"commitInfo\":{{\"engineInfo\":\"chatzy-export/9\"}}}}\n{lines}");
    store.write("messages/_delta_log/00000000000000000000.json", text.as_bytes()).unwrap();
    let log = Log::read(&store, Table::Messages).unwrap();
    log.faults.into_iter().map(|fault| (fault.kind, fault.what)).collect()
}

#[test]
fn nothing_in_a_log_is_trusted() {
    let add = |path: &str, more: &str| {
        format!(
            r#"{{"add":{{"path":"{path}","partitionValues":{{}},"size":1,"modificationTime":1,"dataChange":true{more}}}}}"#
        )
    };
    let deep = format!(r#"{{"add":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    for (line, what) in [
        (add("../contacts/part-r-00000.parquet", ""), "which is no file of this table"),
        (add("file:///etc/passwd", ""), "which is no file of this table"),
        (add("%2e%2e/%2e%2e/etc/passwd", ""), "which is no file of this table"),
        (add("part-r-00000.parquet", r#","deletionVector":{"storageType":"u"}"#), "it removes single rows"),
        (add("part-r-00000.parquet", "").replace(":1,", ":-1,"), "is not an action of this program"),
        (deep, "is not an action of this program"),
        (
            r#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7}}"#.to_owned(),
            "it requires a reader of version 3",
        ),
        (r#"{"add":"#.to_owned(), "is not an action of this program"),
        ("\u{0}".to_owned(), "is not an action of this program"),
        (String::new(), "the log names no protocol or no columns"),
    ] {
        let found = faults(&line);
        let [(FaultKind::Unreadable, said)] = found.as_slice() else { panic!("{line:.200}: {found:?}") };
        assert!(said.contains(what) && said.len() < 300, "{line:.200}: {said}");
    }
    let store = in_memory();
    store.write("messages/_delta_log/00000000000000000004.json", b"").unwrap();
    let log = Log::read(&store, Table::Messages).unwrap();
    assert_eq!(log.faults[0].kind, FaultKind::Missing, "{:?}", log.faults);
    store.write("coverage/_delta_log/00000000000000000010.checkpoint.parquet", b"").unwrap();
    let log = Log::read(&store, Table::Coverage).unwrap();
    assert_eq!((log.faults, log.others.len()), (vec![], 1));
}

#[test]
fn runs_of_other_layouts_are_refused() {
    let jsonl = json!({"format": "jsonl", "compression": "none", "partition_by": ["month"]});
    let flat = json!({"format": "parquet", "compression": "snappy", "partition_by": []});
    for (options, named) in [(jsonl, "jsonl partitioned by month"), (flat, "parquet without partitions")] {
        let store = in_memory();
        put(&store, "r1", &[], &options, &json!([]));
        put_run(&store, "r2", &NIGHT2);
        let error = sync(&store, &[]).unwrap_err().to_string();
        assert!(error.contains(&format!("r1 is {named}")), "{error}");
        assert_eq!(version(&store, "messages", 0), None);
    }
}

#[test]
fn the_log_of_snapshots_names_the_newest_only() {
    let store = in_memory();
    let source = json!([{"run_id": "r", "sha256": "00"}]);
    put(&store, "r1", &NIGHT1, &monthly(), &source);
    sync(&store, &[]).unwrap();
    let flat = json!({"format": "parquet", "compression": "snappy", "table_format": "delta"});
    put(&store, "r2", &[("messages/part-r2-00000.parquet", 5, 5)], &flat, &source);
    sync(&store, &[]).unwrap();
    assert_eq!(names(&store, "messages"), (2, files(&[("part-r2-00000.parquet", 5, 5)])));
    let second = version(&store, "messages", 1).unwrap();
    assert_eq!(
        second[1]["metaData"]["partitionColumns"],
        json!([]),
        "other partition keys, in the same version"
    );
    let first = version(&store, "messages", 0).unwrap();
    assert_eq!(second[1]["metaData"]["id"], first[2]["metaData"]["id"], "the same table");
}

#[test]
fn a_run_with_a_damaged_manifest_keeps_its_entries() {
    let store = in_memory();
    put_run(&store, "r1", &NIGHT1);
    sync(&store, &[]).unwrap();
    store.write("_runs/r1/manifest.json", b"{").unwrap();
    put_run(&store, "r2", &NIGHT2);
    sync(&store, &[]).unwrap();
    assert_eq!(names(&store, "messages").1.len(), 2);
    assert_eq!(names(&store, "contacts"), (1, files(&[("part-r1-00000.parquet", 11, 1)])));
}

#[test]
fn columns_are_added_to_an_older_log() {
    let store = in_memory();
    put_run(&store, "r1", &NIGHT1);
    sync(&store, &[]).unwrap();
    let path = "messages/_delta_log/00000000000000000000.json";
    let older = read(&store, path).unwrap().replace("\\\"chatbot_id\\\"", "\\\"before\\\"");
    store.write(path, older.as_bytes()).unwrap();
    let log = Log::read(&store, Table::Messages).unwrap();
    let changes = log.changes(&Expected::read(&store, &[]).unwrap());
    assert_eq!(changes.columns.as_deref(), Some("it has no column chatbot_id of the type string"));
    sync(&store, &[]).unwrap();
    assert_eq!(version(&store, "messages", 1).unwrap().len(), 2);
    sync(&store, &[]).unwrap();
    assert_eq!(version(&store, "messages", 2), None);
}

#[test]
fn what_an_interruption_left_is_removed() {
    let store = in_memory();
    put_run(&store, "r1", &NIGHT1);
    let left = "messages/_delta_log/.00000000000000000000.json.77.tmp";
    store.write(left, b"{").unwrap();
    sync(&store, &[]).unwrap();
    assert_eq!(read(&store, left), None);
    assert_eq!(names(&store, "messages").0, 1);
}
