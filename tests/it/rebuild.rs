//! `rebuild`: the tables made again from a raw archive, without the API.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::support::export::{Export, json, read, write};
use crate::support::faults::{CHANGING, Fate, Fault, count, setting};
use crate::support::scene::random;
use crate::support::service::Service;

/// `rebuild` from one folder beside the test's others into another.
fn rebuild(export: &Export, to: &str, arguments: &str) -> Export {
    let from = export.out_path().to_string_lossy().into_owned();
    let to = export.path(to).join("export");
    let command = Export::command("rebuild --progress never").args("--from").arg(&from);
    command.args("--out").arg(&to.to_string_lossy()).args(arguments).out_at(&to)
}

/// The files of a run except its archive, with their hashes and everything else in the manifest.
fn files(manifest: &Value) -> BTreeMap<String, Value> {
    let files = manifest["files"].as_array().unwrap().iter().filter(|file| file["table"] != "raw");
    files.map(|file| (file["path"].as_str().unwrap().to_owned(), file.clone())).collect()
}

fn verify(out: &Path) {
    Export::command("verify --deep").arg(&out.to_string_lossy()).expect(0);
}

/// The newest manifest of a folder.
fn manifest(out: &Path) -> Value {
    let latest = json(&out.join("_runs/latest.json"));
    json(&out.join(latest["manifest"].as_str().unwrap()))
}

const CONTACTS: [&str; 7] = [
    "messages-90-b",
    "unknown-x",
    "empty-y",
    "messages-230-a",
    "poison-2-c",
    "messages-1-d",
    "messages-17-e",
];

#[test]
fn an_incremental_run_is_made_again_with_those_that_had_not_changed() {
    let service = Service::start("--seed 3");
    let export = Export::run_of(service.url(), ["unused"]).without("--contacts");
    let export = export.args("--all-contacts --incremental --keep-raw --format jsonl");
    export.expect(0);
    service.night();
    let second = export.expect(0);
    let before = manifest(&second.out);
    assert!(before["contacts"]["unchanged"].as_u64() > Some(0), "{before}");
    let again = rebuild(&export, "again", "");
    again.expect(0);
    let after = manifest(again.out_path());
    assert_eq!((files(&after), &after["contacts"]), (files(&before), &before["contacts"]));
    verify(again.out_path());
    // It has no state: the next incremental run into the folder reads all contacts.
    let next = export.out_at(again.out_path()).expect(0);
    assert_eq!(next.contacts("unchanged"), 0);
    verify(again.out_path());
}

#[test]
fn the_same_files_byte_for_byte_whatever_the_api_sent_and_however() {
    let services = [
        "--wild 1 --wild-kind all",
        "--errors 0.1 --order oldest --per-conversation",
        "--drift-insert 0.3 --drift-delete 0.3 --clamp 20",
        "--grouping never --flat-ids off --wild 0.3 --wild-kind valid",
    ];
    let options = [
        "--format parquet --partition-by month,channel --target-file-size 8KB",
        "--format jsonl --compression zstd:5 --partition-by export_date,run",
        "--format jsonl --target-file-size 4KB --channel whatsapp --channel website",
        "--format parquet --compression snappy --since 2026-03-01 --until 2026-07-01 --flat",
    ];
    for (at, (switches, options)) in services.into_iter().zip(options).enumerate() {
        let service = Service::start(&format!("{switches} --seed {at}"));
        let export = Export::run_of(service.url(), CONTACTS).args("--retries 2 --keep-raw").args(options);
        let first = export.run();
        assert!(matches!(first.code, Some(0 | 3)), "{switches}: {}", first.stderr);
        drop(service);
        let again = rebuild(&export, "again", "--json");
        let outcome = again.expect(first.code.unwrap());
        let (before, after) = (manifest(&first.out), manifest(again.out_path()));
        assert_eq!(files(&after), files(&before), "{switches}, {options}");
        for path in files(&before).keys() {
            let [was, is] = [&first.out, again.out_path()].map(|out| std::fs::read(out.join(path)).unwrap());
            assert!(was == is, "{path} ({switches})");
        }
        for key in
            ["run_id", "status", "started_at", "contacts", "input", "requests", "unknown_fields", "tables"]
        {
            assert_eq!(after[key], before[key], "{key}");
        }
        let failed = format!("_runs/{}/failed.csv", before["run_id"].as_str().unwrap());
        let [was, is] = [&first.out, again.out_path()].map(|out| std::fs::read(out.join(&failed)).ok());
        assert_eq!(was, is, "failed.csv");
        assert_eq!(after["rebuilt_from"]["run_id"], before["run_id"]);
        assert_eq!(serde_json::from_str::<Value>(&outcome.stdout).unwrap(), after, "--json is the manifest");
        assert!(!again.out_path().join("raw").exists(), "the archive stays where it is");
        verify(again.out_path());
    }
}

fn plain() -> (Export, Value) {
    let service = Service::start("--wild 0.2 --wild-kind valid");
    let contacts = ["messages-90-b", "unknown-x", "messages-40-a"];
    let export = Export::run_of(service.url(), contacts).args("--format jsonl --keep-raw");
    let outcome = export.expect(0);
    (export, outcome.manifest())
}

#[test]
fn the_form_of_the_files_may_be_another() {
    let (export, before) = plain();
    let arguments = "--format parquet --partition-by year --target-file-size 4KB --keep-raw";
    let other = rebuild(&export, "other", arguments);
    let outcome = other.expect(0);
    let after = manifest(other.out_path());
    assert_eq!(after["tables"], before["tables"]);
    assert_eq!(after["options"]["compression"], "zstd:1", "the usual one of the new form");
    assert_eq!(after["options"]["channel"], before["options"]["channel"]);
    assert!(
        files(&after).keys().any(|path| path.starts_with("messages/year=") && path.ends_with(".parquet"))
    );
    assert!(outcome.stderr.contains("is rebuilt: "), "{}", outcome.stderr);
    verify(other.out_path());
    // The archive that `rebuild --keep-raw` keeps is as good as the first one.
    let back = Export::command(
        "rebuild --progress never --format jsonl --partition-by none --target-file-size 256MB",
    )
    .args("--from")
    .arg(&other.out_path().to_string_lossy())
    .args("--out")
    .arg(&export.path("back").to_string_lossy());
    back.expect(0);
    assert_eq!(files(&manifest(&export.path("back"))), files(&before));
}

#[test]
fn typed_twice_it_has_nothing_to_do_and_another_form_is_refused() {
    let (export, _) = plain();
    let again = rebuild(&export, "again", "");
    again.expect(0);
    let before = read(&again.out_path().join("_runs/latest.json"));
    let outcome = again.expect(0);
    assert!(outcome.first_line().contains("was already rebuilt"), "{}", outcome.stderr);
    assert_eq!(read(&again.out_path().join("_runs/latest.json")), before);
    let outcome = again.clone().args("--format parquet").expect(2);
    assert!(outcome.stderr.contains("choose another --out"), "{}", outcome.stderr);
    let onto_itself = Export::command("rebuild --from export --out export").out_at(export.out_path());
    let from = export.out_path().to_string_lossy().into_owned();
    let onto_itself =
        onto_itself.without("--from").without("--out").args("--from").arg(&from).args("--out").arg(&from);
    onto_itself.expect(2);
    verify(export.out_path());
}

#[test]
fn what_cannot_be_made_again_is_said() {
    let (export, before) = plain();
    let said = |export: &Export, arguments: &str, code| {
        let outcome = rebuild(export, "said", arguments).expect(code);
        assert!(!outcome.out.join("_runs").exists(), "nothing is published");
        outcome.whole_last_line()
    };
    assert!(said(&export, "--run nobody", 2).contains("there is no run nobody"));
    assert!(said(&export.clone().out("nowhere"), "", 2).contains("there is no export at"));
    assert!(said(&export, "--compression brotli", 2).contains("--compression"));

    let path =
        before["files"].as_array().unwrap().iter().find(|file| file["table"] == "raw").unwrap()["path"]
            .clone();
    let path = export.out_path().join(path.as_str().unwrap());
    let whole = std::fs::read(&path).unwrap();
    let mut text = zstd::decode_all(&whole[..]).unwrap();
    let at = text.windows(4).position(|four| four == b"role").unwrap();
    text[at] ^= 1;
    let other = zstd::encode_all(&text[..], 3).unwrap();
    for damaged in [&whole[..whole.len() - 9], b"", &other] {
        write(&path, damaged);
        assert!(said(&export, "", 8).contains("is damaged"));
    }
    std::fs::remove_file(&path).unwrap();
    said(&export, "", 6);
    write(&path, &whole);
    rebuild(&export, "said", "").expect(0);

    let service = Service::start("");
    let without = Export::run_of(service.url(), ["messages-1-a"]).args("--run-id bare");
    without.expect(0);
    assert!(said(&without, "", 2).contains("without --keep-raw"));
}

#[test]
fn a_run_and_a_rebuild_do_not_go_on_with_each_other() {
    let (export, _) = plain();
    let service = Service::start("");
    let again = rebuild(&export, "mixed", "");
    let killed = Fault { calls: " write ", path: "/spool/", at: 3, fate: Fate::KillAfter };
    assert_eq!(again.with_fault(killed).run().code, None);
    let run = Export::run_of(service.url(), ["messages-1-a"]).args("--format jsonl").out_at(again.out_path());
    let outcome = run.expect(9);
    assert!(outcome.stderr.contains("the run to rebuild was"), "{}", outcome.stderr);
    again.expect(0);
    verify(again.out_path());

    let other = rebuild(&export, "other", "");
    let run = run.out_at(other.out_path());
    assert_eq!(run.with_fault(killed).run().code, None);
    let outcome = other.expect(9);
    assert!(outcome.stderr.contains("does not fit this command"), "{}", outcome.stderr);
    run.expect(0);
    other.expect(0);
    verify(other.out_path());
    let manifest = manifest(other.out_path());
    assert_ne!(manifest["previous"], Value::Null, "it is in the chain like any run");
}

#[test]
fn killed_at_random_calls_and_done_again() {
    let (mut rng, seed) = random("a rebuild, killed at random calls");
    let (export, before) = plain();
    let whole = rebuild(&export, "whole", "--partition-by month --keep-raw").logging_calls();
    whole.expect(0);
    let calls = count(&whole.calls(), CHANGING);
    let reference = files(&manifest(whole.out_path()));
    for turn in 0..setting("CRASH_KILLS", 50) / 5 {
        let again = rebuild(&export, &format!("killed-{turn}"), "--partition-by month --keep-raw");
        let faults: Vec<Fault> =
            (0..rng.usize(1..=3)).map(|_| crate::crash::random_kill(&mut rng, calls)).collect();
        for fault in &faults {
            again.with_fault(*fault).run();
            // All or nothing: if there is a manifest, the export is complete.
            if again.out_path().join("_runs/latest.json").exists() {
                verify(again.out_path());
            }
        }
        again.expect(0);
        assert_eq!(files(&manifest(again.out_path())), reference, "{seed}: {faults:?}");
        assert!(!again.out_path().join("_work").exists(), "{seed}: {faults:?}");
        verify(again.out_path());
    }
    assert_eq!(manifest(whole.out_path())["run_id"], before["run_id"]);
}

#[test]
fn a_resumed_run_is_made_again_as_well() {
    let service = Service::start("--errors 0.05");
    let export = Export::run_of(service.url(), CONTACTS).args("--keep-raw --page-size 9 --retries 2");
    for at in [5, 30] {
        let killed = Fault { calls: " write ", path: "/spool/", at, fate: Fate::KillAfter };
        export.with_fault(killed).run();
    }
    let outcome = export.run();
    assert!(matches!(outcome.code, Some(0 | 3)), "{}", outcome.stderr);
    let again = rebuild(&export, "again", "");
    again.expect(outcome.code.unwrap());
    assert_eq!(files(&manifest(again.out_path())), files(&outcome.manifest()));
}
