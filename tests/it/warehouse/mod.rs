//! The databases run the SQL that `schema` prints for them.

mod conformance;
pub mod databases;
mod failing;
mod files;
mod mixed;
pub mod nights;
mod odd;
mod parts;
mod state;

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
