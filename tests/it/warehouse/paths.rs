//! A path with wildcards or other special characters names exactly one export.

use std::path::Path;

use super::databases::Database;
use super::sql;
use crate::support::export::Export;
use crate::support::service::Service;

/// A folder, and one beside it that matches if the first is taken for a pattern.
const FOLDERS: [(&str, &str); 6] = [
    ("a[bc]", "ab"),
    ("a*", "ab"),
    ("?b", "ab"),
    ("it's $HOME %d {a,b} \"x\"", "a"),
    ("-x", "a"),
    ("messages/channel=website/x=y[1]", "messages/channel=website/x=y1"),
];

#[test]
fn an_odd_path_names_one_export() {
    let service = Service::start("");
    for format in ["parquet", "jsonl"] {
        let one = Export::run_of(service.url(), ["messages-3-a"]).args("--format").arg(format);
        let other = Export::run_of(service.url(), ["messages-5-b"]).args("--format").arg(format);
        let mut databases = vec![Database::duckdb()];
        if format == "jsonl" {
            databases.extend(Database::postgres("an_odd_path_names_one_export"));
        }
        for (named, fitting) in FOLDERS {
            let root = tempfile::tempdir().unwrap();
            one.clone().out_at(&root.path().join(named)).expect(0);
            other.clone().out_at(&root.path().join(fitting)).expect(0);
            for database in &databases {
                let dialect = database.dialect();
                let script = |option: &str| {
                    // As typed, relative to its own folder.
                    let command =
                        Export::command("schema").args(option).arg(dialect).arg(&format!("--from={named}"));
                    let there = format!("cd '{}'; exec \"$@\"", root.path().display());
                    command.shell(&there).expect(0).stdout
                };
                let count = "SELECT count(*) FROM latest_messages;";
                let views = format!("{}\n{count}", script("--latest"));
                let views_of = database.another();
                assert_eq!(views_of.run(&views, root.path()), ["3"], "{dialect} {named}");
                let load = [
                    sql(&format!("--format {dialect}")),
                    script("--merge"),
                    "SELECT count(*) FROM messages;".to_owned(),
                ];
                let loaded = database.another();
                assert_eq!(loaded.run(&load.join("\n"), root.path()), ["3"], "{dialect} {named}");
                let channels = "SELECT count(*) FROM messages WHERE channel = 'website' AND conversation_type <> 'website';";
                assert_eq!(
                    loaded.run(channels, Path::new("/")),
                    ["0"],
                    "{dialect} {named}: not from its path"
                );
            }
        }
    }
}
