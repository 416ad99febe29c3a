//! The databases run the SQL that `schema` prints for them.

pub mod databases;
mod failing;
mod mixed;
pub mod nights;
mod order;
mod paths;

use std::path::Path;

use serde_json::Value;

use crate::support::export::{Export, json, tree};
use crate::support::scripted::Scripted;
use crate::support::service::Service;
pub use databases::Database;
use nights::{Nights, ODD_TEXT, odd};

const TABLES: [&str; 5] = ["contacts", "conversations", "messages", "channel_records", "coverage"];

/// The output of `schema`.
pub fn sql(arguments: &str) -> String {
    Export::command("schema").args(arguments).expect(0).stdout
}

/// The output of `schema` for an export. The SQL runs in the folder above it, where `./export` is the export.
pub fn script(export: &Export, arguments: &str) -> String {
    let from = export.out_path().to_str().unwrap();
    Export::command("schema").args(arguments).args("--from").arg(from).expect(0).stdout
}

/// The messages and contacts in the tables with this prefix, after a script.
fn rows(database: &Database, prefix: &str, script: &str) -> Vec<String> {
    let query = format!(
        "{script}
        SELECT contact_id || '|' || message_id || '|' || content || '|' || run_id FROM {prefix}messages
        UNION ALL SELECT contact_id || '|' || run_id FROM {prefix}contacts ORDER BY 1;"
    );
    let mut rows = database.run(&query, Path::new("/"));
    rows.sort();
    rows
}

/// Loads two nights one by one, twice, and in the other order. Also reads the views over both.
fn two_nights(database: &Database, format: &str) {
    let nights = Nights::of(format);
    let dialect = database.dialect();
    let tables = sql(&format!("--format {dialect}"));
    let load = |options: &str| script(&nights.export, &format!("--merge {dialect} {options}"));
    database.run(&format!("{tables}\n{tables}"), Path::new("/"));
    for (night, run) in ["night1", "night2"].into_iter().enumerate() {
        for _ in ["once", "again"] {
            let load = load(&format!("--run {run}"));
            assert_eq!(rows(database, "", &load), nights.rows(night), "{run}");
        }
    }
    let status = "CASE WHEN CAST(raw AS VARCHAR) LIKE '%\"read\"%' THEN 'read' ELSE 'sent' END";
    let records =
        &format!("SELECT contact_id || '|' || {status} || '|' || run_id FROM channel_records ORDER BY 1;");
    let records = database.run(records, Path::new("/"));
    assert_eq!(records.len(), 7, "one a message: {records:?}");
    assert!(records.contains(&"changed|read|night2".to_owned()), "{records:?}");
    assert!(records.contains(&"rested|sent|night1".to_owned()), "{records:?}");
    let coverage = database.run("SELECT count(*) FROM coverage;", Path::new("/"));
    assert_eq!(coverage, [if format == "jsonl" { "13" } else { "12" }], "that of both nights");

    // The newer one first: a run that is loaded late replaces nothing.
    let late = database.another();
    let loads = [tables, load("--run night2"), load("--run night1")].join("\n");
    assert_eq!(rows(&late, "", &loads), nights.rows(1));

    // Both at once, through views.
    let views = script(&nights.export, &format!("--latest {dialect}"));
    for _ in ["once", "again"] {
        assert_eq!(rows(&late, "latest_", &views), nights.rows(1));
    }
}

#[test]
fn two_nights_in_duckdb() {
    two_nights(&Database::duckdb(), "parquet");
    two_nights(&Database::duckdb(), "jsonl");
}

#[test]
fn two_nights_in_postgres() {
    if let Some(database) = Database::postgres("two_nights_in_postgres") {
        two_nights(&database, "jsonl");
    }
}

/// Each column of a simulated account has as many values in the database as in the files.
fn every_column_arrives(database: &Database, options: &str) {
    let service = Service::start("");
    let contacts = (0..6).map(|at| format!("messages-{}-{at}", 30 + at)).chain(["empty-x".to_owned()]);
    let base = Export::run_of(service.url(), contacts);
    let truth = base.clone().args("--format jsonl").out("truth").expect(0);
    let export = base.args(options);
    export.expect(0);
    let dialect = database.dialect();
    let load = script(&export, &format!("--merge {dialect}"));
    database.run(&format!("{}\n{load}", sql(&format!("--format {dialect}"))), Path::new("/"));
    let schema: Value = serde_json::from_str(&sql("--format arrow")).unwrap();
    for (at, table) in TABLES.into_iter().enumerate() {
        let rows = truth.rows(table);
        let fields = schema["tables"][at]["fields"].as_array().unwrap();
        let names: Vec<_> = fields.iter().map(|field| field["name"].as_str().unwrap()).collect();
        let counts = names.iter().map(|name| format!("count(\"{name}\")")).collect::<Vec<_>>().join(", ");
        let counted = database.run(&format!("SELECT {counts} FROM {table};"), Path::new("/"));
        let there = |name: &&str| rows.0.iter().filter(|row| !row[*name].is_null()).count().to_string();
        let expected: Vec<_> = names.iter().map(there).collect();
        assert_eq!(counted, [expected.join("|")], "{table}: {names:?}");
    }
    let sum = "SELECT CAST(sum(floor(extract(epoch FROM created_at))) AS BIGINT) FROM messages;";
    let times = truth.rows("messages").column("created_at");
    let seconds = times.iter().map(|time| chrono::DateTime::parse_from_rfc3339(time).unwrap().timestamp());
    assert_eq!(database.run(sum, Path::new("/")), [seconds.sum::<i64>().to_string()]);
}

#[test]
fn every_column_arrives_in_duckdb() {
    every_column_arrives(&Database::duckdb(), "--partition-by channel,month");
    every_column_arrives(&Database::duckdb(), "--format jsonl --compression gzip --partition-by channel");
}

#[test]
fn every_column_arrives_in_postgres() {
    if let Some(database) = Database::postgres("every_column_arrives_in_postgres") {
        every_column_arrives(&database, "--format jsonl --compression gzip --partition-by month");
    }
}

#[test]
fn odd_values_are_loaded() {
    let server = Scripted::api(odd);
    let base = Export::run_of(server.url(), ["it's"]);
    let mut databases = vec![Database::duckdb()];
    databases.extend(Database::postgres("odd_values_are_loaded"));
    for database in databases {
        let dialect = database.dialect();
        // DuckDB's JSON reader rewrites numbers. From Parquet they come as received.
        let format = if dialect == "duckdb" { "parquet" } else { "jsonl" };
        let export = base.clone().args("--format").arg(format).out(dialect);
        export.expect(0);
        let load = script(&export, &format!("--merge {dialect}"));
        database.run(&format!("{}\n{load}", sql(&format!("--format {dialect}"))), Path::new("/"));
        let text = "SELECT replace(replace(content, chr(10), '<lf>'), chr(9), '<tab>') FROM messages;";
        let nul = if dialect == "postgres" { "\u{fffd}" } else { "\u{0}" };
        let expected = ODD_TEXT.replace('\n', "<lf>").replace('\t', "<tab>").replace('\u{0}', nul);
        assert_eq!(database.run(text, Path::new("/")), [expected], "{dialect}");
        let raw = "SELECT CAST(raw AS VARCHAR) FROM channel_records ORDER BY record_index;";
        let raw = database.run(raw, Path::new("/"));
        assert_eq!(raw[0], "null", "{dialect}");
        assert_eq!(
            raw[1], r#""{\"half\": \"\\ud83d\"}""#,
            "{dialect}: no JSON to a strict reader, so its text"
        );
        assert_eq!(raw[3], r#"{"b":1.50,"a":1,"a":2}"#, "{dialect}: as received");
        assert_eq!(raw.len(), 6, "{dialect}");
        let extra = database.run("SELECT CAST(extra AS VARCHAR) FROM messages;", Path::new("/"));
        assert!(extra[0].contains("1e1000000"), "{dialect}: {extra:?}");
        let time = "SELECT CAST(floor(extract(epoch FROM created_at)) AS BIGINT) FROM messages;";
        assert_eq!(database.run(time, Path::new("/")), ["-62162121600"], "{dialect}: the year 0 is 1 BC");
    }
}

#[test]
fn a_run_with_a_part_missing_is_not_loaded() {
    let mut databases = vec![Database::duckdb()];
    databases.extend(Database::postgres("a_run_with_a_part_missing_is_not_loaded"));
    for database in databases {
        let nights = Nights::of("jsonl");
        let dialect = database.dialect();
        database.run(&sql(&format!("--format {dialect}")), Path::new("/"));
        let load = script(&nights.export, &format!("--merge {dialect} --run night1"));
        database.run(&load, Path::new("/"));
        let manifest = nights.export.out_path().join("_runs/night2/manifest.json");
        let mut changed = json(&manifest);
        changed["files"].as_array_mut().unwrap().retain(|file| file["table"] != "messages");
        crate::support::export::write(&manifest, changed.to_string());
        let failed = database.try_run(&script(&nights.export, &format!("--merge {dialect}")), Path::new("/"));
        let told = String::from_utf8_lossy(&failed.stderr).into_owned();
        assert!(
            !failed.status.success() && told.contains("3 contacts have more or fewer messages"),
            "{told}"
        );
        assert_eq!(rows(&database, "", ""), nights.rows(0), "{dialect}: as before");
        assert_eq!(database.run("SELECT count(*) FROM coverage;", Path::new("/")), ["6"]);
    }
}

#[test]
fn what_cannot_be_loaded_is_told() {
    let told = |arguments: &str| Export::command("schema").args(arguments).expect(2).last_line();
    insta::assert_snapshot!(told("--merge duckdb --from none"), @"error: none has no published run: give the folder that --out of the run named");
    insta::assert_snapshot!(told("--from none"), @"error: --from requires --merge or --latest; see: chatzy-export schema --help");
    assert!(told("--merge oracle").contains("duckdb, postgres"));
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-3-a"]).args("--run-id");
    export.clone().arg("p").expect(0);
    export.clone().arg("c").args("--format jsonl --partition-by channel").out("by-channel").expect(0);
    let of = |folder: &str, options: &str| {
        let from = export.path(folder);
        let outcome = Export::command("schema").args(options).args("--from").arg(from.to_str().unwrap());
        outcome.expect(2).last_line().replace(from.to_str().unwrap(), "EXPORT")
    };
    insta::assert_snapshot!(of("export", "--merge postgres"), @"error: the run p is Parquet, which PostgreSQL cannot read: export with --format jsonl, or select another run with --run");
    insta::assert_snapshot!(of("by-channel", "--merge postgres"), @"error: the run c is partitioned by channel, so its lines do not contain the channel: export without this partition key, or select another run with --run");
    insta::assert_snapshot!(of("export", "--latest duckdb --run q"), @"error: EXPORT has no run q");
    assert_eq!(tree(&export.path("none")), Vec::<String>::new());
}

#[test]
fn without_an_export_the_sql_says_where_to_name_it() {
    let text = sql("--merge duckdb");
    assert!(text.contains("SET VARIABLE chatzy_export = './export';"), "{text}");
    assert!(sql("--latest postgres").contains("\\copy staging_messages FROM"));
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-3-a"]);
    export.expect(0);
    let database = Database::duckdb();
    let named = format!("{}SET VARIABLE chatzy_export = './export';\n{text}", sql("--format duckdb"));
    database.run(&named, &export.path(""));
    assert_eq!(database.run("SELECT count(*) FROM messages;", Path::new("/")), ["3"]);
}
