//! The databases run the SQL that `schema` prints for them.

mod conformance;
pub mod databases;
mod failing;
mod files;
mod mixed;
pub mod nights;
mod odd;
mod parsed;
mod parts;
mod questions;
mod state;
mod stored;

use std::path::Path;

use crate::support::export::{Export, tree};
use crate::support::service::Service;
pub use databases::Database;

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

/// The statements of a script, as those see it who split it at semicolons that end lines.
fn statements(script: &str) -> impl Iterator<Item = &str> {
    let parts = script.split_inclusive(";\n");
    parts.filter(|part| part.lines().any(|line| !line.is_empty() && !line.starts_with("--")))
}

#[test]
fn what_cannot_be_loaded_is_told() {
    let told = |arguments: &str| Export::command("schema").args(arguments).expect(2).last_line();
    insta::assert_snapshot!(told("--merge duckdb --from none"), @"error: none has no published run: give the folder that --out of the run named");
    insta::assert_snapshot!(told("--from none"), @"error: --from requires --merge, --latest or --register; see: chatzy-export schema --help");
    assert!(told("--merge oracle").contains("duckdb, postgres"));
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-3-a"]).args("--run-id");
    export.clone().arg("p").expect(0);
    let of = |folder: &str, options: &str| {
        let from = export.path(folder);
        let outcome = Export::command("schema").args(options).args("--from").arg(from.to_str().unwrap());
        outcome.expect(2).last_line().replace(from.to_str().unwrap(), "EXPORT")
    };
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

fn moved(from: &Path, to: &Path) {
    let moved = std::process::Command::new("mv").args([from, to]).status().expect("mv");
    assert!(moved.success());
}

/// `psql` gets the rows of Parquet files, and of files without the channel, from this program.
#[test]
fn postgres_loads_what_psql_cannot_read() {
    let Some(database) = Database::postgres("postgres_loads_what_psql_cannot_read") else { return };
    let service = Service::start("");
    for layout in ["", "--partition-by month,channel", "--format jsonl --partition-by channel"] {
        let export =
            Export::run_of(service.url(), ["messages-30-it's", "messages-3-b", "empty-c", "unknown-d"]);
        let export = export.args(layout).out("it's $HOME/export");
        let outcome = export.expect(0);
        let database = database.another();
        database.run(&sql("--format postgres"), Path::new("/"));
        let load = script(&export, "--merge postgres");
        let messages = outcome.out.join("messages");
        let away = outcome.out.join("away");
        moved(&messages, &away);
        let failed = database.try_run(&load, Path::new("/"));
        assert!(failed.is_err(), "{layout}: a table is missing");
        assert_eq!(database.run("SELECT count(*) FROM contacts;", Path::new("/")), ["0"], "{layout}");
        moved(&away, &messages);
        for _ in ["once", "again"] {
            database.run(&load, Path::new("/"));
        }
        let counted = database.run("SELECT count(*), count(channel) FROM messages;", Path::new("/"));
        assert_eq!(counted, ["33|33"], "{layout}");
        // A program that prints too little, and ends well.
        let other = database.another();
        other.run(&sql("--format postgres"), Path::new("/"));
        let silent = load.replace("program=", "CHATZY_EXPORT=true; program=");
        let text = other.try_run(&silent, Path::new("/")).expect_err("lines are missing");
        assert!(text.contains("messages has 0 lines instead of 33"), "{layout}: {text}");
    }
}
