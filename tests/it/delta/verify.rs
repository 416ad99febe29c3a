//! `verify` finds each difference between the Delta logs and the manifests, and its advice repairs it.

use std::path::Path;

use serde_json::Value;

use super::{TABLES, at, delta, named, on, published, verified};
use crate::support::export::{Export, read, write};
use crate::support::service::{Service, wait_until};
use chatzy_export::internals::durable::{remove_tree, rename};

const FIRST: &str = "messages/_delta_log/00000000000000000000.json";

fn export() -> (Service, Export) {
    let service = Service::start("");
    let export = delta(&service);
    for run in ["r1", "r2"] {
        export.clone().args("--run-id").arg(run).expect(0);
    }
    (service, export)
}

/// The findings of `verify` as `kind path: detail`, and its commands.
fn findings(out: &Path) -> (Vec<String>, Vec<String>) {
    let report: Value = serde_json::from_str(&at(out, "verify", "--json").expect(8).stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let finding = |damage: &Value| {
        format!("{} {}: {}", text(&damage["kind"]), text(&damage["path"]), text(&damage["detail"]))
    };
    let commands =
        report["advice"].as_array().unwrap().iter().flat_map(|advice| advice["commands"].as_array().unwrap());
    (report["damages"].as_array().unwrap().iter().map(finding).collect(), commands.map(text).collect())
}

/// Follows the advice; then the export is intact, and no run is gone.
fn repaired(out: &Path, commands: &[String]) {
    for command in commands {
        let status = std::process::Command::new("sh").args(["-c", command]).output().unwrap();
        assert!(status.status.success(), "{command}: {}", String::from_utf8_lossy(&status.stderr));
    }
    verified(out, "after the advice");
    assert_eq!(named(out), published(out, &["r1", "r2"]));
}

/// Damages a copy of the export, and returns the findings. The advice must repair it.
fn damaged(export: &Export, name: &str, damage: impl Fn(&Path)) -> String {
    let out = export.path(name);
    let copied = std::process::Command::new("cp").arg("-a").arg(export.out_path()).arg(&out).status();
    assert!(copied.expect("cp").success());
    damage(&out);
    let (found, commands) = findings(&out);
    repaired(&out, &commands);
    found.join("\n")
}

#[test]
fn each_difference_is_found_and_repaired() {
    let (_service, export) = export();
    let edit = |path: &str, from: &str, to: &str| {
        let (path, from, to) = (path.to_owned(), from.to_owned(), to.to_owned());
        move |out: &Path| {
            let text = read(&out.join(&path));
            assert!(text.contains(&from), "{text}");
            write(&out.join(&path), text.replace(&from, &to));
        }
    };
    let size = read(&export.out_path().join(FIRST));
    let size = size.split("\"size\":").nth(1).unwrap().split(',').next().unwrap().to_owned();
    insta::assert_snapshot!(damaged(&export, "rows", edit(FIRST, "{\\\"numRecords\\\":", "{\\\"numRecords\\\":1")), @"disagreement messages/_delta_log: it has another size, number of rows or partition for messages/part-r1-00000.parquet");
    insta::assert_snapshot!(damaged(&export, "size", edit(FIRST, &format!("\"size\":{size}"), "\"size\":1")), @"disagreement messages/_delta_log: it has another size, number of rows or partition for messages/part-r1-00000.parquet");
    insta::assert_snapshot!(damaged(&export, "other", edit(FIRST, "part-r1-", "part-r9-")), @"disagreement messages/_delta_log: it does not name messages/part-r1-00000.parquet; it names messages/part-r9-00000.parquet, which no manifest names");
    insta::assert_snapshot!(damaged(&export, "columns", edit(FIRST, "\\\"content\\\"", "\\\"text\\\"")), @"disagreement messages/_delta_log: it has no column content of the type string");
    insta::assert_snapshot!(damaged(&export, "last", |out| {
        std::fs::remove_file(out.join("messages/_delta_log/00000000000000000001.json")).unwrap();
    }), @"disagreement messages/_delta_log: it does not name messages/part-r2-00000.parquet");
    insta::assert_snapshot!(damaged(&export, "one", |out| remove_tree(&out.join("contacts/_delta_log")).unwrap()), @"missing contacts/_delta_log: the table has no Delta log, but other tables have one");
}

#[test]
fn a_log_of_others_is_found_and_replaced() {
    let (_service, export) = export();
    insta::assert_snapshot!(damaged(&export, "first", |out| std::fs::remove_file(out.join(FIRST)).unwrap()), @"missing messages/_delta_log/00000000000000000000.json: it is missing, but the log has messages/_delta_log/00000000000000000001.json");
    let torn = damaged(&export, "torn", |out| {
        let text = read(&out.join(FIRST));
        write(&out.join(FIRST), text.get(..text.len() - 9).unwrap());
    });
    let said = format!("unreadable {FIRST}: its line 4 is not an action of this program (EOF");
    assert!(torn.starts_with(&said), "{torn}");
    insta::assert_snapshot!(damaged(&export, "foreign", |out| {
        let next = out.join("coverage/_delta_log/00000000000000000002.json");
        write(&next, r#"{"commitInfo":{"operation":"WRITE","engineInfo":"Apache-Spark/3.5.1 Delta-Lake/3.1.0"}}"#);
    }), @"added coverage/_delta_log/00000000000000000002.json: Apache-Spark/3.5.1 Delta-Lake/3.1.0 wrote it: only this program may write to the log");
    insta::assert_snapshot!(damaged(&export, "checkpoint", |out| {
        write(&out.join("messages/_delta_log/00000000000000000001.checkpoint.parquet"), "PAR1");
        write(&out.join("messages/_delta_log/_last_checkpoint"), "{}");
    }), @r"
added messages/_delta_log/00000000000000000001.checkpoint.parquet: another program wrote it: readers of the Delta table may use it instead of the log
added messages/_delta_log/_last_checkpoint: another program wrote it: readers of the Delta table may use it instead of the log
");
    insta::assert_snapshot!(damaged(&export, "outside", |out| {
        let text = read(&out.join(FIRST));
        write(&out.join(FIRST), text.replace("\"path\":\"part-r1-", "\"path\":\"../../part-r1-"));
    }), @r#"unreadable messages/_delta_log/00000000000000000000.json: it names "../../part-r1-00000.parquet", which is no file of this table"#);
    insta::assert_snapshot!(damaged(&export, "link", |out| {
        let log = out.join("contacts/_delta_log");
        rename(&log, &out.with_extension("elsewhere")).unwrap();
        std::os::unix::fs::symlink(out.with_extension("elsewhere"), &log).unwrap();
    }), @"unsafe_path contacts/_delta_log: it is not a regular file, or a folder on the way is a symbolic link");
}

#[test]
fn an_export_without_its_logs_is_intact() {
    let (_service, export) = export();
    let out = export.out_path();
    for table in TABLES {
        remove_tree(&out.join(format!("{table}/_delta_log"))).unwrap();
    }
    let said = on(&export, "verify", "").expect(0).stderr;
    let warning = "warning: the newest run has --table-format delta, but the tables have no Delta logs; the next run writes new ones";
    assert!(said.starts_with(warning), "{said}");
    export.clone().args("--run-id r3").expect(0);
    assert_eq!(named(out), published(out, &["r1", "r2", "r3"]));
    let said = on(&export, "verify", "").expect(0).stderr;
    assert!(!said.contains("warning"), "{said}");
}

#[test]
fn an_export_with_delta_tables_may_be_verified_meanwhile() {
    let (_service, export) = export();
    for round in 0..3 {
        for command in [
            export.clone().args("--run-id").arg(&format!("again{round}")),
            on(&export, "prune", "--keep-last 1"),
        ] {
            let mut running = command.start();
            wait_until("it is over", || {
                verified(export.out_path(), "meanwhile");
                running.is_over()
            });
        }
    }
}

#[test]
fn a_run_alone_is_compared_with_its_entries() {
    let (_service, export) = export();
    let text = read(&export.out_path().join(FIRST));
    write(&export.out_path().join(FIRST), text.replace("{\\\"numRecords\\\":", "{\\\"numRecords\\\":1"));
    on(&export, "verify", "--run r1").expect(8);
    on(&export, "verify", "--run r2").expect(0);
}
