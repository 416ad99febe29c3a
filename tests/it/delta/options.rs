//! `--table-format` of the commands that publish, and exports of other layouts.

use serde_json::{Value, json};

use super::{TABLES, delta, named, on, published, verified, versions};
use crate::support::export::{Export, Outcome, json as read_json, read, tree, write};
use crate::support::service::Service;
use chatzy_export::internals::durable::{remove_tree, rename};

#[test]
fn each_table_has_a_log_with_its_columns() {
    let service = Service::start("");
    let export = delta(&service).args("--partition-by month,channel --keep-raw --run-id r1");
    let outcome = export.expect(0);
    assert_eq!(outcome.manifest()["options"]["table_format"], "delta");
    assert_eq!(named(&outcome.out), published(&outcome.out, &["r1"]));
    for table in TABLES {
        let [first] = &versions(&outcome.out, table)[..] else { panic!("one version") };
        let metadata = &first[2]["metaData"];
        let schema: Value = serde_json::from_str(metadata["schemaString"].as_str().unwrap()).unwrap();
        let kinds: std::collections::BTreeMap<_, _> = schema["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|field| (field["name"].as_str().unwrap(), field["type"].as_str().unwrap()))
            .collect();
        assert_eq!(
            (kinds["contact_id"], kinds["run_id"], kinds["exported_at"]),
            ("string", "string", "timestamp")
        );
        let is_by_message = ["messages", "channel_records"].contains(&table);
        assert_eq!(kinds.contains_key("month"), is_by_message, "{table}");
        let keys = if is_by_message { json!(["month", "channel"]) } else { json!([]) };
        assert_eq!(metadata["partitionColumns"], keys, "{table}");
    }
    let modes = std::process::Command::new("find")
        .args([".", "-path", "*_delta_log*", "(", "-perm", "/077", ")"])
        .current_dir(&outcome.out)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&modes.stdout), "", "files and folders are for their owner only");
}

/// The last line, with `DIR/export` for the folder of the export.
fn said(outcome: &Outcome) -> String {
    outcome.last_line().replace(&*outcome.out.to_string_lossy(), "DIR/export")
}

#[test]
fn jsonl_has_no_delta_tables() {
    let service = Service::start("");
    let outcome = delta(&service).args("--format jsonl").expect(2);
    insta::assert_snapshot!(outcome.last_line(), @"error: --table-format delta requires --format parquet: a Delta table consists of Parquet files");
    assert_eq!(outcome.tree(), Vec::<String>::new());
}

#[test]
fn runs_with_and_without_delta_tables_are_not_mixed_unnoticed() {
    let service = Service::start("");
    let with = delta(&service);
    let without = Export::run_of(service.url(), ["messages-3-a"]).out_at(with.out_path());
    with.clone().args("--run-id r1").expect(0);
    let outcome = without.expect(9);
    insta::assert_snapshot!(said(&outcome), @"error: this run is parquet without partitions, but the newest run in DIR/export, r1, is parquet without partitions with --table-format delta: readers of the folder would fail or miss rows; use the options of that run or another --out, or accept it with --allow-mixed");
    // The logs stay complete.
    let outcome = without.clone().args("--run-id r2 --allow-mixed").expect(0);
    assert_eq!(outcome.manifest()["options"]["table_format"], "delta");
    verified(with.out_path(), "without the option");
    assert_eq!(named(with.out_path()), published(with.out_path(), &["r1", "r2"]));
    for options in ["--format jsonl", "--partition-by month --table-format delta", "--partition-by run"] {
        let outcome = without.clone().args("--allow-mixed").args(options).expect(9);
        let expected = "error: the Delta tables in DIR/export cannot have runs of different layouts: r2 is parquet without partitions, and another is ";
        assert!(said(&outcome).starts_with(expected), "{}", outcome.stderr);
    }
    // Who no longer wants Delta tables removes the logs.
    for table in TABLES {
        remove_tree(&with.out_path().join(format!("{table}/_delta_log"))).unwrap();
    }
    without.expect(9);
    without.clone().args("--run-id r3 --allow-mixed").expect(0);
    verified(with.out_path(), "without logs");
    assert!(!tree(with.out_path()).iter().any(|path| path.contains("_delta_log")));
    without.clone().args("--run-id r4").expect(0);
}

#[test]
fn earlier_runs_come_into_new_logs() {
    let service = Service::start("");
    let before = Export::run_of(service.url(), ["messages-3-a"]);
    before.clone().args("--run-id r1").expect(0);
    let with = before.clone().args("--table-format delta");
    let outcome = with.expect(9);
    insta::assert_snapshot!(outcome.last_line(), @"error: this run is parquet without partitions with --table-format delta, but the newest run in DIR/export, r1, is parquet without partitions: readers of the folder would fail or miss rows; use the options of that run or another --out, or accept it with --allow-mixed");
    with.clone().args("--allow-mixed --run-id r2").expect(0);
    with.clone().args("--run-id r3").expect(0);
    assert_eq!(named(before.out_path()), published(before.out_path(), &["r1", "r2", "r3"]));
    verified(before.out_path(), "three runs");
    // A run that does not fit is found before the first request.
    let mixed = Export::run_of(service.url(), ["messages-3-a"]);
    mixed.clone().args("--format jsonl --run-id r1").expect(0);
    mixed.clone().args("--allow-mixed --run-id r2").expect(0);
    let requests = service.stats().requests;
    let outcome = mixed.clone().args("--allow-mixed --table-format delta").expect(9);
    insta::assert_snapshot!(outcome.last_line(), @"error: the Delta tables in DIR/export cannot have runs of different layouts: r1 is jsonl without partitions, and another is parquet without partitions; choose another --out for one of them");
    assert_eq!(service.stats().requests, requests);
}

#[test]
fn rebuild_makes_the_delta_tables_of_its_run() {
    let service = Service::start("");
    let export = delta(&service).args("--keep-raw --run-id r1");
    export.expect(0);
    let rebuild = |to: &str, options: &str| {
        let out = export.path(to);
        Export::command("rebuild --from")
            .arg(&export.out_path().to_string_lossy())
            .args("--out")
            .arg(&out.to_string_lossy())
            .args(options)
            .out_at(&out)
    };
    let outcome = rebuild("again", "").expect(0);
    assert_eq!(named(&outcome.out), named(export.out_path()));
    let outcome = rebuild("plain", "--table-format none --partition-by month").expect(0);
    assert_eq!(named(&outcome.out).len(), 0);
    verified(&outcome.out, "plain");
    rebuild("lines", "--format jsonl").expect(2);
    rebuild("lines", "--format jsonl --table-format none").expect(0);
}

#[test]
fn shards_are_one_version() {
    let service = Service::start("");
    let run = "20261120T020000Z-shards";
    let export = delta(&service).args("--run-id").arg(run);
    for shard in 0..3 {
        export.clone().args("--shard").arg(&format!("{shard}/3")).expect(0);
        assert_eq!(named(export.out_path()).len(), 0, "nothing is visible");
    }
    on(&export, "commit", "--shards 3 --run-id").arg(run).expect(0);
    verified(export.out_path(), "committed");
    assert_eq!(named(export.out_path()), published(export.out_path(), &[run]));
    assert_eq!(versions(export.out_path(), "messages").len(), 1);
}

#[test]
fn a_snapshot_is_replaced_in_one_version() {
    let service = Service::start("");
    let export = delta(&service);
    export.clone().args("--run-id r1").expect(0);
    let out = export.path("latest");
    let snapshot = |options: &str| {
        let command = on(&export, "snapshot", "--out").arg(&out.to_string_lossy());
        command.args(options).out_at(&out)
    };
    snapshot("--table-format delta --run-id s1").expect(0);
    export.clone().args("--run-id r2").expect(0);
    let outcome = snapshot("--replace").expect(9);
    insta::assert_snapshot!(outcome.last_line().replace(&*out.to_string_lossy(), "OUT"), @"error: the snapshot s1 in OUT has Delta tables: use --table-format delta, or choose another --out");
    snapshot("--table-format delta --replace --run-id s2 --partition-by channel").expect(0);
    assert_eq!(named(&out), published(&out, &["s2"]));
    for table in ["contacts", "messages", "coverage"] {
        assert_eq!(versions(&out, table).len(), 2, "{table}: a reader finds each contact once at any time");
    }
    verified(&out, "replaced");
    snapshot("--table-format delta --replace --partition-by channel").expect(0);
}

#[test]
fn a_log_that_another_program_has_changed_ends_a_run_before_its_first_request() {
    let service = Service::start("");
    let export = delta(&service);
    let out = export.out_path();
    export.clone().args("--run-id r1").expect(0);
    let foreign = "messages/_delta_log/00000000000000000001.json";
    write(&out.join(foreign), r#"{"commitInfo":{"operation":"OPTIMIZE","engineInfo":"delta-rs:py-1.6.6"}}"#);
    let requests = service.stats().requests;
    for command in [
        export.clone(),
        on(&export, "prune", "--keep-last 1"),
        on(&export, "erase", "--contact messages-9-b --reference R"),
    ] {
        let outcome = command.expect(9);
        assert!(
            outcome.stderr.contains(&format!("{foreign}: delta-rs:py-1.6.6 wrote it")),
            "{}",
            outcome.stderr
        );
    }
    assert_eq!(service.stats().requests, requests);
    rename(&out.join("messages/_delta_log"), &export.path("away")).unwrap();
    export.clone().args("--run-id r2").expect(0);
    verified(out, "a new log");
    assert_eq!(named(out), published(out, &["r1", "r2"]));
}

#[test]
fn a_log_that_changes_during_a_run_is_repaired_by_its_command() {
    let service = Service::start("");
    let export = delta(&service);
    let out = export.out_path();
    export.clone().args("--run-id r1").expect(0);
    // A log that no program can write to: the run is published without it.
    let log = out.join("coverage/_delta_log");
    let mut running = export.clone().args("--run-id r2 --rate-limit 2").start();
    crate::support::service::wait_until("it has begun", || {
        out.join("_work/run.json").exists() || running.is_over()
    });
    let foreign = log.join("00000000000000000001.json");
    write(&foreign, r#"{"commitInfo":{"engineInfo":"delta-rs"}}"#);
    let outcome = running.wait(std::time::Duration::from_mins(1)).expect(9);
    assert!(
        outcome.stderr.contains("this run is published, but the Delta tables do not have it yet"),
        "{}",
        outcome.stderr
    );
    assert_eq!(read_json(&out.join("_runs/latest.json"))["run_id"], "r2");
    assert!(!read(&out.join("messages/_delta_log/00000000000000000000.json")).contains("part-r2-"));
    std::fs::remove_file(&foreign).unwrap();
    export.clone().args("--run-id r2 --rate-limit 2").expect(0);
    assert_eq!(named(out), published(out, &["r1", "r2"]));
    verified(out, "published");
}
