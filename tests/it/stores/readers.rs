//! Exports in object stores, read by other programs.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::account::fetched;
use crate::promises::root;
use crate::support::export::Export;
use crate::support::stores::Remote;
use crate::system::skip;

/// The programs of `scripts/warehouse-tools.sh`.
const PROGRAMS: [&str; 3] = ["chdb", "duckdb", "polars"];

#[test]
fn other_programs_read_an_export_in_a_store() {
    let test = "other_programs_read_an_export_in_a_store";
    let python = root().join(".tools/warehouse/venv/bin/python");
    if !python.is_file() {
        return skip(test, "needs DuckDB, Polars or chdb (scripts/warehouse-tools.sh)");
    }
    let ids = json!({
        "contacts": "contact_id", "conversations": "conversation_id", "messages": "message_id",
        "channel_records": "record_id", "coverage": "contact_id",
    });
    let mut programs = BTreeSet::new();
    for remote in Remote::all_with_conditions(test) {
        let export =
            Export::command("run --simulated --contacts ids.txt --partition-by year --work-dir work")
                .also("ids.txt", "messages-300-a\nmessages-90-b\n")
                .out_at(remote.url().as_ref());
        let export = remote.reach(export);
        let manifest = fetched(&remote, &export, export.expect(0)).manifest();
        let mut tables = BTreeMap::<&str, Vec<&str>>::new();
        for file in manifest["files"].as_array().unwrap() {
            tables.entry(file["table"].as_str().unwrap()).or_default().push(file["path"].as_str().unwrap());
        }
        let rows = tables.keys().map(|table| (*table, manifest["tables"][table]["rows"].as_u64().unwrap()));
        let expected: BTreeMap<&str, [u64; 2]> = rows.map(|(table, rows)| (table, [rows, rows])).collect();
        let environment: BTreeMap<_, _> = remote.environment().into_iter().collect();
        let asked = json!({"url": remote.url(), "environment": environment, "tables": tables, "ids": ids});
        let mut child = Command::new(&python)
            .arg(root().join("tests/it/stores/read_store.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python");
        child.stdin.take().unwrap().write_all(asked.to_string().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{:?}", remote.kind);
        let counts: BTreeMap<String, Value> = serde_json::from_slice(&output.stdout).expect("JSON");
        for (program, counts) in counts {
            assert_eq!(counts, json!(expected), "{program} reads from {:?}", remote.kind);
            programs.insert(program);
        }
    }
    for program in PROGRAMS {
        if !programs.contains(program) {
            skip(test, &format!("needs {program} (scripts/warehouse-tools.sh)"));
        }
    }
}
