//! `--table-format delta`: the Delta logs name exactly the files of the published runs, whatever happens to an export.

mod interrupted;
mod options;
mod readers;
mod verify;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::support::export::{Export, json, read};
use crate::support::service::Service;

pub const TABLES: [&str; 5] = ["contacts", "conversations", "messages", "channel_records", "coverage"];
const CONTACTS: [&str; 4] = ["messages-40-a", "messages-9-b", "empty-c", "unknown-d"];

/// A run of some contacts with Delta tables.
pub fn delta(service: &Service) -> Export {
    Export::run_of(service.url(), CONTACTS).args("--table-format delta")
}

/// A command on an export.
pub fn on(export: &Export, name: &str, arguments: &str) -> Export {
    at(export.out_path(), name, arguments)
}

pub fn at(out: &Path, name: &str, arguments: &str) -> Export {
    Export::command(name).arg(&out.to_string_lossy()).args(arguments).out_at(out)
}

pub fn verified(out: &Path, told: &str) {
    let outcome = at(out, "verify", "--deep").run();
    assert_eq!(outcome.code, Some(0), "{told}: {}", outcome.stderr);
}

/// The actions of each version of a log.
pub fn versions(out: &Path, table: &str) -> Vec<Vec<Value>> {
    let path = |version: usize| out.join(format!("{table}/_delta_log/{version:020}.json"));
    let versions = (0..).take_while(|version| path(*version).exists());
    let actions = |text: String| text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    versions.map(|version| actions(read(&path(version)))).collect()
}

/// Files, sizes and rows that the logs name, by table.
pub fn named(out: &Path) -> BTreeMap<String, (u64, u64)> {
    let mut named = BTreeMap::new();
    for table in TABLES {
        for action in versions(out, table).into_iter().flatten() {
            let path =
                |action: &Value| format!("{table}/{}", action["path"].as_str().unwrap().replace("%25", "%"));
            if let Some(add) = action.get("add") {
                let stats: Value = serde_json::from_str(add["stats"].as_str().unwrap()).unwrap();
                let facts = (add["size"].as_u64().unwrap(), stats["numRecords"].as_u64().unwrap());
                named.insert(path(add), facts);
            } else if let Some(remove) = action.get("remove") {
                named.remove(&path(remove)).expect("a file that was added");
            }
        }
    }
    named
}

/// Files, sizes and rows that the manifests of these runs name. No contacts were erased.
pub fn published(out: &Path, runs: &[&str]) -> BTreeMap<String, (u64, u64)> {
    let manifests = runs.iter().map(|run| json(&out.join(format!("_runs/{run}/manifest.json"))));
    let files = manifests.flat_map(|manifest| manifest["files"].as_array().unwrap().clone());
    let tables = files.filter(|file| TABLES.iter().any(|table| file["table"] == *table));
    let facts = |file: &Value| (file["bytes"].as_u64().unwrap(), file["rows"].as_u64().unwrap());
    tables.map(|file| (file["path"].as_str().unwrap().to_owned(), facts(&file))).collect()
}
