//! The scripts for DuckDB read manifests when they run. A manifest may have changed since a script was written.

use std::fmt::Write as _;
use std::path::Path;

use chatzy_export::internals::id::RunId;
use chatzy_export::internals::output::ExportPath;
use serde_json::{Value, json as object};

use crate::support::export::{Export, json, write};
use crate::support::service::Service;
use crate::warehouse::Database;

/// Paths of data files of the run `r-1`.
const PATHS: [&str; 5] = [
    "contacts/part-r-1-00000.parquet",
    "messages/month=2026-11/channel=web%2Fx/part-r-1-00000.jsonl.gz",
    "messages/channel=__HIVE_DEFAULT_PARTITION__/part-r-1-123456.jsonl",
    "coverage/part-r-1-00003-00000.parquet",
    "raw/part-r-1-00000.jsonl.zst",
];

/// Paths of other files, each with the run and the table that would name it.
const OTHERS: [(&str, &str, &str); 12] = [
    ("r", "contacts", "contacts/part-r-1-00000.parquet"),
    ("r", "contacts", "contacts/part-r-10000-00000.parquet"),
    ("r", "contacts", "contacts/part-r-10000-00000-00000.parquet"),
    ("r.1", "contacts", "contacts/part-r.1-00000.parquet"),
    ("r.1", "contacts", "contacts/part-r-1-00000.parquet"),
    ("r-1", "messages", "contacts/part-r-1-00000.parquet"),
    ("r-1", "contact", "contacts/part-r-1-00000.parquet"),
    ("r-1", "raw", "_runs/r-1/state.parquet"),
    ("r-1", "secrets", "secrets/part-r-1-00000.parquet"),
    ("r-1", "contacts", ""),
    ("..", "contacts", "contacts/part-..-00000.parquet"),
    ("", "contacts", "contacts/part--00000.parquet"),
];

/// Characters that take the place of each character of a path.
const CHARACTERS: &str = "/.=-_%'\\*[? \n\taZ0é";

/// The paths with one character changed, left out or doubled.
fn changed(path: &str) -> Vec<String> {
    let mut paths = vec![path.to_owned(), format!("{path}\n"), format!("/{path}"), format!("./{path}")];
    let old: Vec<char> = path.chars().collect();
    for at in 0..old.len() {
        let mut put =
            |new: &[char]| paths.push([&old[..at], new, &old[at + 1..]].concat().into_iter().collect());
        put(&[]);
        put(&[old[at], old[at]]);
        CHARACTERS.chars().for_each(|new| put(&[new]));
    }
    paths
}

/// The check of every command that reads a manifest.
fn is_file(run: &str, table: &str, path: &str) -> bool {
    let Ok(run) = run.parse::<RunId>() else { return false };
    path.parse::<ExportPath>().is_ok_and(|path| path.top() == table && path.is_of(&run))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn script(export: &Export, arguments: &str) -> String {
    let at = export.out_path().to_string_lossy().into_owned();
    Export::command("schema").args(arguments).args("--from").arg(&at).expect(0).stdout
}

fn export(service: &Service) -> Export {
    Export::run_of(service.url(), ["messages-3-a", "messages-2-b"]).args("--format jsonl --run-id r-1")
}

#[test]
fn duckdb_accepts_the_paths_that_commands_accept() {
    let service = Service::start("");
    let export = export(&service);
    export.expect(0);
    let mut cases: Vec<(String, String, String)> = Vec::new();
    for path in PATHS {
        let table = path.split('/').next().unwrap();
        cases.extend(changed(path).into_iter().map(|path| ("r-1".to_owned(), table.to_owned(), path)));
    }
    cases.extend(OTHERS.map(|(run, table, path)| (run.to_owned(), table.to_owned(), path.to_owned())));
    let mut query = script(&export, "--latest duckdb");
    query.push_str("SELECT string_agg(CASE WHEN chatzy_is_file(run, part, path) THEN '1' ELSE '0' END, '' ORDER BY number) FROM (VALUES ");
    for (number, (run, table, path)) in cases.iter().enumerate() {
        let comma = if number == 0 { "" } else { ", " };
        let (run, table, path) = (literal(run), literal(table), literal(path));
        write!(query, "{comma}({number}, {run}, {table}, {path})").unwrap();
    }
    query.push_str(") AS cases (number, run, part, path);");
    let accepted = Database::duckdb().run(&query, Path::new("/")).concat();
    assert_eq!(accepted.len(), cases.len());
    let mut counts = [0, 0];
    for ((run, table, path), accepted) in cases.iter().zip(accepted.chars()) {
        assert_eq!(accepted == '1', is_file(run, table, path), "run {run:?}, table {table:?}, path {path:?}");
        counts[usize::from(accepted == '1')] += 1;
    }
    assert!(counts[0] > 3000 && counts[1] > 500, "{counts:?}");
}

/// A change to a manifest, and the error of the load.
type Change = (fn(&mut Value), &'static str);

const NOT_ITS_FILE: &str = "names a path that is not one of its files";
const CHANGES: [Change; 9] = [
    (|manifest| path(manifest, "messages/part-r-2-00000.jsonl"), NOT_ITS_FILE),
    (|manifest| path(manifest, "messages/notes.jsonl"), NOT_ITS_FILE),
    (|manifest| path(manifest, "messages/*.jsonl"), NOT_ITS_FILE),
    (|manifest| path(manifest, "messages/../../outside/part-r-1-00000.jsonl"), NOT_ITS_FILE),
    (
        |manifest| path(manifest, "messages/x'; CREATE TABLE owned (x int); --/part-r-1-00000.jsonl"),
        NOT_ITS_FILE,
    ),
    (|manifest| manifest["files"][0]["table"] = "messages".into(), NOT_ITS_FILE),
    (|manifest| manifest["run_id"] = "r-2".into(), "is not that of the run of its folder"),
    (
        |manifest| manifest["previous"] = object!({"run_id": "../x", "sha256": ""}),
        "is not that of the run of its folder",
    ),
    (|manifest| manifest["manifest_version"] = 2.into(), "has another version than 1"),
];

/// Changes the path of the file of messages.
fn path(manifest: &mut Value, path: &str) {
    let files = manifest["files"].as_array_mut().unwrap();
    files.iter_mut().find(|file| file["table"] == "messages").unwrap()["path"] = path.into();
}

#[test]
fn a_manifest_that_changes_after_the_script_was_written_is_not_loaded() {
    let service = Service::start("");
    let export = export(&service);
    export.expect(0);
    let out = export.out_path();
    // The targets of the paths exist.
    let lines = crate::support::export::read(&out.join("messages/part-r-1-00000.jsonl"));
    for name in [
        "export/messages/part-r-2-00000.jsonl",
        "export/messages/notes.jsonl",
        "outside/part-r-1-00000.jsonl",
    ] {
        export.write(name, &lines);
    }
    let manifest = json(&out.join("_runs/r-1/manifest.json"));
    let tables = Export::command("schema --format duckdb").expect(0).stdout;
    let merge = script(&export, "--merge duckdb");
    for script in [&merge, &script(&export, "--latest duckdb")] {
        for (number, (change, error)) in CHANGES.iter().enumerate() {
            let mut changed = manifest.clone();
            change(&mut changed);
            write(&out.join("_runs/r-1/manifest.json"), changed.to_string());
            let ran = Database::duckdb().try_run(&format!("{tables}\n{script}"), Path::new("/"));
            let told = ran.expect_err(script);
            assert!(told.contains(error), "{number}: {told}");
        }
    }
    write(&out.join("_runs/r-1/manifest.json"), manifest.to_string());
    let database = Database::duckdb();
    let count = database.run(&format!("{tables}\n{merge}\nSELECT count(*) FROM messages;"), Path::new("/"));
    assert_eq!(count, ["5"]);
}
