//! `hold`: while a hold is active, nothing that it covers is removed.

use std::path::Path;

use serde_json::Value;

use crate::support::export::{Export, json, read, tree, write};
use crate::support::service::Service;

fn command(export: &Export, name: &str, arguments: &str) -> Export {
    let path = export.out_path().to_string_lossy().into_owned();
    Export::command(name).arg(&path).args(arguments).out_at(export.out_path())
}

/// An export of two runs.
fn two_runs() -> Export {
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-9-a", "messages-2-b"]).args("--format jsonl");
    for name in ["r1", "r2"] {
        export.clone().args("--run-id").arg(name).expect(0);
    }
    export
}

fn record(out: &Path) -> Value {
    json(&out.join("_runs/holds.json"))
}

#[test]
fn prune_ends_with_10_until_the_hold_is_released() {
    let export = two_runs();
    let out = export.out_path();
    command(&export, "hold", "--reference CASE-7 --contact messages-9-a --by Legal").expect(0);
    command(&export, "hold", "--reference CASE-8 --all").expect(0);
    let before = tree(out);
    for options in ["--keep-last 1", "--keep-last 1 --dry-run"] {
        let told = command(&export, "prune", options).expect(10).stderr;
        assert!(told.contains("holds CASE-7, CASE-8"), "{told}");
    }
    assert_eq!(tree(out), before);
    assert!(!read(&out.join("_runs/holds.json")).contains("messages-9-a"), "a hold names contacts by hashes");
    let listed = command(&export, "hold", "--list").expect(0).stdout;
    let lines: Vec<Vec<&str>> = listed.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(
        lines.iter().map(|line| (line[0], line[1], line[3])).collect::<Vec<_>>(),
        [("CASE-7", "1", "active"), ("CASE-8", "all", "active")]
    );
    command(&export, "verify", "").expect(0);
    command(&export, "hold", "--release CASE-8").expect(0);
    let told = command(&export, "prune", "--keep-last 1").expect(10).stderr;
    assert!(told.contains("hold CASE-7 on this export"), "{told}");
    let outcome = command(&export, "hold", "--release CASE-7 --json").expect(0);
    let said: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!((&said["holds"][0]["by"], &said["holds"][0]["contacts"]), (&"Legal".into(), &1.into()));
    assert!(said["holds"][0]["released_at"].is_string(), "{said}");
    command(&export, "prune", "--keep-last 1").expect(0);
    command(&export, "verify", "--deep").expect(0);
}

#[test]
fn a_hold_is_placed_once_and_only_its_reference_releases_it() {
    let export = two_runs();
    let out = export.out_path();
    export.write("people.csv", "contact_id\nmessages-2-b\nmessages-9-a\n");
    let people = format!("--reference C --contacts {}", export.path("people.csv").display());
    command(&export, "hold", &people).expect(0);
    let once = record(out);
    let told =
        command(&export, "hold", "--reference C --contact messages-9-a --contact messages-2-b").expect(0);
    assert!(told.stderr.contains("exists already"), "{}", told.stderr);
    assert_eq!(record(out), once);
    let told = command(&export, "hold", "--release D").expect(2).stderr;
    assert!(told.contains("no active hold \"D\""), "{told}");
    for wrong in [
        "--reference C",
        "--release C --all",
        "--list --reference C --all",
        "",
        "--reference C --all --contact x",
    ] {
        command(&export, "hold", wrong).expect(2);
    }
    let nowhere = command(&export.clone().out("nowhere"), "hold", "--list").expect(2).stderr;
    assert!(nowhere.contains("there is no export"), "{nowhere}");
}

#[test]
fn a_damaged_record_of_holds_is_reported_and_nothing_is_removed() {
    let export = two_runs();
    let path = export.out_path().join("_runs/holds.json");
    write(&path, "{\"holds\":[]");
    for (name, options) in [("prune", "--keep-last 1"), ("hold", "--list"), ("verify", "")] {
        let told = command(&export, name, options).expect(8).stderr;
        assert!(told.contains("holds.json"), "{told}");
    }
}

#[test]
fn a_held_snapshot_is_not_replaced() {
    let export = two_runs();
    let to = export.path("latest");
    let snapshot = |options: &str| {
        Export::command("snapshot --progress never")
            .arg(&export.out_path().to_string_lossy())
            .args("--out")
            .arg(&to.to_string_lossy())
            .args(options)
    };
    snapshot("").expect(0);
    command(&export.clone().out_at(&to), "hold", "--reference CASE --all").expect(0);
    snapshot("--replace --format jsonl").expect(10);
    command(&export.clone().out_at(&to), "hold", "--release CASE").expect(0);
    snapshot("--replace --format jsonl").expect(0);
    command(&export.clone().out_at(&to), "verify", "").expect(0);
}
