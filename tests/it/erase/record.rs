//! The record of erasures explains what `verify` finds. A lost, old or forged one is damage, and no run begins.

use serde_json::Value;

use super::{command, contents, verified};
use crate::support::export::{Export, read, write};
use crate::support::service::Service;

const CONTACTS: [&str; 4] = ["messages-40-ada", "messages-9-b", "poison-2-ada", "messages-17-e"];
const ORDER: &str = "--contact messages-40-ada --contact poison-2-ada --reference DSAR-17";
const RECORD: &str = "_runs/erased.json";

fn two_runs(service: &Service) -> Export {
    let export = Export::run_of(service.url(), CONTACTS).args("--retries 0 --format jsonl");
    for run in ["r1", "r2"] {
        export.clone().args("--run-id").arg(run).expect(3);
    }
    export
}

/// The findings of `verify --json`: path and detail.
fn findings(export: &Export) -> Vec<(String, String)> {
    let outcome = command(export, "verify", "--json").expect(8);
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let text = |damage: &Value, key: &str| damage[key].as_str().unwrap().to_owned();
    let damages = report["damages"].as_array().unwrap().iter();
    damages.map(|damage| (text(damage, "path"), text(damage, "detail"))).collect()
}

#[test]
fn a_run_that_was_pruned_during_an_interrupted_erasure_is_left_out_of_its_end() {
    let service = Service::start("");
    let export = two_runs(&service);
    command(&export, "erase", ORDER).expect(0);
    let record = export.out_path().join(RECORD);
    let text = read(&record);
    let (before, after) = text.split_once("\"finished_at\": \"").unwrap();
    let (_, after) = after.split_once('"').unwrap();
    write(&record, format!("{before}\"finished_at\": null{after}"));
    let warned = verified(&export, "interrupted");
    let unchecked = "; the rows and the checksums.sha256 of runs r1, r2 were not checked; to finish it, run";
    assert!(warned.contains(unchecked), "{warned}");
    command(&export, "prune", "--keep-last 1").expect(0);
    assert!(!export.out_path().join("_runs/r1").exists());
    verified(&export, "pruned");
    command(&export, "erase", "--finish").expect(0);
    assert!(!read(&record).contains("\"r1\""), "the pruned run is not changed");
    command(&export, "hold", "--reference C --all").expect(0);
    assert!(verified(&export, "finished").contains("but for 2 contacts erased"));
}

#[test]
fn each_erasure_that_replaced_files_is_told_also_of_a_single_run() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["unused"]).without("--contacts").args("--format jsonl");
    let export = export.args("--all-contacts --incremental");
    export.clone().args("--run-id r1").expect(0);
    // The state of the second run names the contact, which its `coverage` does not have.
    let one = super::rows(&export, "coverage", "r1")[0]["contact_id"].as_str().unwrap().to_owned();
    let other = Export::run_of(service.url(), ["messages-9-b"]).out_at(export.out_path());
    other.args("--format jsonl --incremental --run-id r2").expect(0);
    command(&export, "erase", &format!("--contact {one} --reference DSAR-17")).expect(0);
    for run in ["r1", "r2"] {
        let told = command(&export, "verify", &format!("--run {run}")).expect(0).stderr;
        assert!(told.contains("(DSAR-17)"), "{run}: {told}");
    }
}

#[test]
fn a_record_that_no_erasure_can_have_left_is_damage() {
    let service = Service::start("");
    let export = two_runs(&service);
    command(&export, "erase", ORDER).expect(0);
    let record = export.out_path().join(RECORD);
    let text = read(&record);
    let (before, after) = text.split_once("\"contact_sha256\": [").unwrap();
    let (_, after) = after.split_once(']').unwrap();
    let without_contacts = format!("{before}\"contact_sha256\": []{after}");
    let same_rows: Vec<String> = text
        .lines()
        .map(|line| match line.split_once("\"rows\": ") {
            Some((indent, rest)) => {
                format!("{indent}\"rows\": 5{}", rest.trim_start_matches(char::is_numeric))
            }
            None => line.to_owned(),
        })
        .collect();
    for (forged, what) in [
        (without_contacts, "it replaced files, but has no contacts"),
        (text.replace("\"requested\": 2", "\"requested\": 0"), "but counts 0 contacts"),
        (same_rows.join("\n") + "\n", "had 5 rows before, and 5 after"),
    ] {
        assert_ne!(forged, text, "{what}");
        write(&record, forged);
        let found = findings(&export);
        let is_told = |(path, detail): &(String, String)| {
            path == RECORD && detail.contains("contradicts itself") && detail.contains(what)
        };
        assert!(found.iter().any(is_told), "{what}: {found:?}");
    }
    write(&record, text);
    verified(&export, "restored");
}

#[test]
fn without_the_record_nothing_is_exported_again() {
    let service = Service::start("");
    let export = two_runs(&service);
    let out = export.out_path();
    let record = out.join(RECORD);
    command(&export, "erase", "--contact messages-9-b --reference DSAR-1").expect(0);
    let old = read(&record);
    command(&export, "erase", ORDER).expect(0);
    let new = read(&record);
    let sharded = export.clone().args("--run-id 20261120T020000Z-three --shard 0/1");
    sharded.expect(0);
    for (text, told) in [
        (None, "the record of erasures, _runs/erased.json, is missing: restore it from a copy"),
        (Some(&old), "the record of erasures, _runs/erased.json, does not say so: restore a newer copy"),
    ] {
        let _ = std::fs::remove_file(&record);
        if let Some(text) = text {
            write(&record, text);
        }
        let before = contents(out);
        let found = findings(&export);
        assert_eq!(found.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), [RECORD, RECORD]);
        assert!(found.iter().all(|(_, detail)| detail.ends_with(told)), "{found:?}");
        let advised = command(&export, "verify", "").expect(8).stderr;
        let advice: Vec<&str> = advised.lines().filter(|line| line.starts_with("advice")).collect();
        let expected = "advice for erased.json: restore it from a copy made after the newest erasure; ";
        assert!(advice.len() == 1 && advice[0].starts_with(expected), "{advice:?}");
        for options in
            ["", "--dry-run", "--incremental", "--fresh", "--shard 1/2 --run-id 20261120T020000Z-four"]
        {
            let refused = export.clone().args(options).expect(8).stderr;
            assert!(refused.contains("contacts were erased from the run r2, but the record"), "{refused}");
        }
        command(&export, "commit", "--run-id 20261120T020000Z-three --shards 1").expect(8);
        command(&export, "erase", "--contact messages-17-e --reference R --dry-run").expect(9);
        let left = contents(out)
            .into_iter()
            .filter(|(path, _)| !path.starts_with("_work") && !path.starts_with("_shards"));
        assert!(left.eq(
            before.into_iter().filter(|(path, _)| !path.starts_with("_work") && !path.starts_with("_shards"))
        ));
    }
    write(&record, new);
    command(&export, "commit", "--run-id 20261120T020000Z-three --shards 1").expect(0);
    verified(&export, "restored");
    std::fs::remove_file(&record).unwrap();
    command(&export, "erase", "--contact messages-17-e --reference R").expect(8);
}
