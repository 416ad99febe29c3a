//! Values that some databases cannot hold, or hold only in another form.

use std::path::Path;

use super::databases::Database;
use super::nights::{ODD_TEXT, odd};
use super::{script, sql};
use crate::support::export::Export;
use crate::support::scripted::Scripted;

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
