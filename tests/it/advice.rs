//! The tests type the advice of `verify` as it is printed. Then the export is intact, or `verify` reports what remains.

use std::fs::{self, Permissions, set_permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use chatzy_export::internals::digest::sha256;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::incremental::account::Account;
use crate::support::export::{EMAIL, Export, PASSWORD, PROGRAM, json as read_json, read, write};
use crate::support::service::Service;
use crate::system::skip;

/// An export that a test damages.
struct Patient {
    export: Export,
    url: String,
}

impl Patient {
    fn new(export: Export, url: &str) -> Self {
        Self { export, url: url.to_owned() }
    }

    fn out(&self) -> &Path {
        self.export.out_path()
    }

    /// The report of `verify --deep --json`.
    fn report(&self) -> Value {
        let outcome = Export::command("verify --deep --json").arg(&self.out().to_string_lossy()).run();
        serde_json::from_str(&outcome.stdout).expect("one JSON document")
    }

    /// The lines of `verify --deep`, with `OUT` for the export's path.
    fn text(&self) -> String {
        let outcome = Export::command("verify --deep").arg(&self.out().to_string_lossy()).run();
        outcome.stderr.replace(&*self.out().to_string_lossy(), "OUT").replace(PROGRAM, "chatzy-export")
    }

    /// Types all commands of the advice into a shell, in their order.
    fn follow(&self, report: &Value) {
        let advice = report["advice"].as_array().expect("advice");
        assert!(!advice.is_empty(), "{report:#}");
        for command in advice.iter().flat_map(|advice| advice["commands"].as_array().expect("commands")) {
            let command = command.as_str().expect("a command");
            let mut shell = Command::new("bash");
            shell.args(["-c", command]).current_dir(self.export.path("."));
            shell
                .env("CHATZY_EMAIL", EMAIL)
                .env("CHATZY_PASSWORD", PASSWORD)
                .env("CHATZY_BASE_URL", &self.url);
            let ended = shell.output().expect("bash");
            let code = ended.status.code();
            // A run is published with exit code 3 if a contact of the test fails again.
            assert!(
                code == Some(0) || code == Some(3),
                "{command}\n{}",
                String::from_utf8_lossy(&ended.stderr)
            );
        }
    }

    /// Follows the advice until there is none. Returns the subjects of each round.
    fn heal(&self) -> Vec<Vec<String>> {
        let mut rounds = Vec::new();
        for _ in 0..3 {
            let report = self.report();
            if (&report["damages"], &report["warnings"]) == (&json!([]), &json!([])) {
                assert_eq!(report["advice"], json!([]));
                return rounds;
            }
            let subjects = report["advice"].as_array().unwrap().iter().flat_map(|advice| {
                advice["subjects"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|subject| subject.as_str().unwrap().to_owned())
            });
            rounds.push(subjects.collect());
            self.follow(&report);
        }
        panic!("still damaged after {rounds:?}: {:#}", self.report());
    }
}

const CONTACTS: [&str; 5] = ["messages-9-a", "messages-40-b", "poison-2-c", "empty-d", "unknown-e"];

/// Two runs, `first` and `second`, with a failed contact each.
fn two_runs(service: &Service, options: &str) -> Patient {
    let export = Export::run_of(service.url(), CONTACTS).args(options);
    // The commands of the advice must not retry either.
    export.write("chatzy-export.toml", "retries = 0\n");
    export.clone().args("--run-id first").expect(3);
    export.clone().args("--run-id second").expect(3);
    Patient::new(export, service.url())
}

/// Changes the bytes of the first file of this table and run.
fn damage_file(patient: &Patient, run: &str, table: &str) {
    let manifest = read_json(&patient.out().join(format!("_runs/{run}/manifest.json")));
    let files = manifest["files"].as_array().unwrap().iter();
    let path = files.clone().find(|file| file["table"] == table).unwrap()["path"].as_str().unwrap();
    let mut bytes = fs::read(patient.out().join(path)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    write(&patient.out().join(path), bytes);
}

#[test]
fn added_files_are_removed() {
    let service = Service::start("");
    let patient = two_runs(&service, "");
    for path in ["_runs/notes.txt", "messages/it's mine.parquet", "contacts/-f", "contacts/a\nb"] {
        write(&patient.out().join(path), "x");
        set_permissions(patient.out().join(path), Permissions::from_mode(0o600)).unwrap();
    }
    assert_snapshot!(patient.text(), @r"
        added: _runs/notes.txt: it does not belong to any run
        added: contacts/-f: no manifest names it
        added: contacts/a\nb: no manifest names it
        added: messages/it's mine.parquet: no manifest names it
        advice for added files: if no other program needs them, remove them: rm -- OUT/_runs/notes.txt OUT/contacts/-f $'OUT/contacts/a\012b' 'OUT/messages/it'\''s mine.parquet'
        error: OUT is damaged: 4 findings above, with advice
        ");
    assert_eq!(patient.heal(), [["stray_file"]]);
}

#[test]
fn what_is_only_warned_of_has_advice_in_the_same_line() {
    let service = Service::start("");
    let patient = two_runs(&service, "");
    write(&patient.out().join("messages/.DS_Store"), "x");
    set_permissions(patient.out().join("coverage"), Permissions::from_mode(0o755)).unwrap();
    let text = patient.text();
    let (warnings, _) = text.rsplit_once("OUT is intact").unwrap();
    assert_snapshot!(warnings, @r"
    warning: 1 file does not belong to the export, such as messages/.DS_Store: another program created it; readers of the export may fail on it; to remove them, run: rm -- OUT/messages/.DS_Store
    warning: 1 file or folder is for other users than the owner, such as coverage: its mode is 755; it was written with 700; to deny access to other users, run: chmod -R go-rwx OUT
    ");
    assert_eq!(patient.heal(), [["system_file", "permissions"]]);
}

#[test]
fn latest_json_is_written_again() {
    let service = Service::start("");
    let patient = two_runs(&service, "");
    let latest = patient.out().join("_runs/latest.json");
    let whole = read(&latest);
    for damage in ["", "{", &whole.replace("  ", " "), &whole.replace("second", "first")] {
        write(&latest, damage);
        assert_eq!(patient.heal().len(), 1, "{damage}");
        assert_eq!(read(&latest), whole);
    }
    fs::remove_file(&latest).unwrap();
    assert_snapshot!(patient.text().replace(&sha256(read(&patient.out().join("_runs/second/manifest.json"))), "SHA256"), @r#"
    missing: _runs/latest.json: without it, the newest run is unknown
    advice for latest.json: restore it from a copy of the export; without one, if second is the newest run, write it again: rm -f -- OUT/_runs/latest.json && (umask 077; printf '{\n  "run_id": "second",\n  "manifest": "_runs/second/manifest.json",\n  "sha256": "SHA256"\n}\n' >OUT/_runs/latest.json)
    error: OUT is damaged: 1 finding above, with advice
    "#);
    assert_eq!(patient.heal(), [["latest"]]);
    // An older copy names the run before.
    let first = sha256(read(&patient.out().join("_runs/first/manifest.json")));
    let second = whole.split('"').find(|part| part.len() == 64).unwrap();
    write(&latest, whole.replace("second", "first").replace(second, &first));
    assert_eq!(patient.heal(), [["manifest"]]);
    assert_eq!(read(&latest), whole);
}

#[test]
fn checksums_are_listed_again() {
    if Command::new("jq").arg("--version").output().is_err() {
        return skip("checksums_are_listed_again", "needs jq");
    }
    let service = Service::start("");
    let patient = two_runs(&service, "--keep-raw --incremental --full");
    let sums = ["first", "second"].map(|run| patient.out().join(format!("_runs/{run}/checksums.sha256")));
    let whole = sums.each_ref().map(|path| read(path));
    fs::remove_file(&sums[0]).unwrap();
    write(&sums[1], whole[1].replacen('a', "b", 1));
    assert_snapshot!(patient.text().lines().find(|line| line.starts_with("advice")).unwrap(), @r#"advice for checksums.sha256: restore it from a copy of the export, or write it again from the manifest: (cd OUT && umask 077 && { jq -r '.files[] | .sha256 + "  " + .path' _runs/first/manifest.json && sha256sum _runs/first/failed.csv && sha256sum _runs/first/not_found.csv && jq -r '.state | .sha256 + "  " + .path' _runs/first/manifest.json; } >_runs/first/checksums.sha256) && (cd OUT && umask 077 && { jq -r '.files[] | .sha256 + "  " + .path' _runs/second/manifest.json && sha256sum _runs/second/failed.csv && sha256sum _runs/second/not_found.csv && jq -r '.state | .sha256 + "  " + .path' _runs/second/manifest.json; } >_runs/second/checksums.sha256)"#);
    assert_eq!(patient.heal(), [["checksums"]]);
    assert_eq!(sums.each_ref().map(|path| read(path)), whole);
}

#[test]
fn a_run_with_a_raw_archive_is_rebuilt() {
    let service = Service::start("");
    for options in ["--keep-raw --partition-by run,month", "--keep-raw --format jsonl --compression gzip"] {
        let patient = two_runs(&service, options);
        damage_file(&patient, "first", "messages");
        damage_file(&patient, "first", "coverage");
        let files = read_json(&patient.out().join("_runs/first/manifest.json"))["files"].clone();
        let file = files.as_array().unwrap().iter().rfind(|file| file["table"] == "messages").unwrap();
        let path = patient.out().join(file["path"].as_str().unwrap());
        fs::remove_file(&path).unwrap();
        if options.contains("month") {
            fs::remove_dir(path.parent().unwrap()).unwrap();
        }
        for list in ["failed.csv", "not_found.csv"] {
            fs::remove_file(patient.out().join("_runs/first").join(list)).unwrap();
        }
        let healed = ["failed_contacts", "not_found_contacts", "data_file"];
        assert_eq!(patient.heal(), [healed], "{options}");
    }
}

#[test]
fn without_an_archive_the_contacts_are_exported_again() {
    let service = Service::start("");
    let options = "--format jsonl --compression zstd --partition-by year,channel --target-file-size 9KB --since 2000-01";
    for (run, left) in [("first", 2), ("second", 1)] {
        let patient = two_runs(&service, options);
        let before = read_json(&patient.out().join(format!("_runs/{run}/manifest.json")))["options"].clone();
        damage_file(&patient, run, "messages");
        fs::remove_file(patient.out().join(format!("_runs/{run}/failed.csv"))).unwrap();
        if run == "first" {
            assert_snapshot!(patient.text().lines().find(|line| line.starts_with("advice")).unwrap().replace(service.url(), "API"), @"advice for failed.csv, data files: restore them from a copy of the export; without one, export the contacts again, then remove the damaged run and all older ones (with the --base-url of that run, if CHATZY_BASE_URL does not set it): chatzy-export run --contacts contacts.csv --since=2000-01-01T00:00:00Z --format=jsonl --compression=zstd:3 --partition-by=year,channel --target-file-size=9000 --out OUT && chatzy-export prune OUT --keep-last 2");
        }
        assert_eq!(patient.heal(), [["failed_contacts", "data_file"]]);
        assert_eq!(patient.report()["runs"], left, "the runs after the damaged one are kept");
        let latest = read_json(&patient.out().join("_runs/latest.json"));
        let manifest = read_json(&patient.out().join(latest["manifest"].as_str().unwrap()));
        assert_eq!(manifest["options"], before, "the new run has the options of the damaged one");
    }
}

#[test]
fn an_incremental_export_is_read_again_in_full() {
    for damage in ["state", "rows of the first night"] {
        let account = Account::of(&["a", "b", "c"]);
        let export = account.nightly(&["a", "b", "c"]);
        for run in ["n1", "n2", "n3"] {
            account.write("a", run);
            export.clone().args("--run-id").arg(run).expect(0);
        }
        let patient = Patient::new(export, account.url());
        let subject = if damage == "state" {
            fs::remove_file(patient.out().join("_runs/n2/state.parquet")).unwrap();
            "state"
        } else {
            damage_file(&patient, "n1", "messages");
            "data_file"
        };
        assert_eq!(patient.heal(), [[subject]], "{damage}");
        assert_eq!(patient.report()["runs"], 1);
        assert_eq!(patient.export.expect(0).contacts("unchanged"), 3, "the next night continues from there");
    }
}

#[test]
fn a_lost_manifest_needs_a_copy_or_a_new_export() {
    let service = Service::start("");
    let patient = two_runs(&service, "--format jsonl");
    damage_file(&patient, "first", "messages");
    fs::remove_file(patient.out().join("_runs/second/manifest.json")).unwrap();
    fs::remove_file(patient.out().join("_runs/second/checksums.sha256")).unwrap();
    let text = patient.text();
    let advice: Vec<&str> = text.lines().filter(|line| line.starts_with("advice")).collect();
    assert_snapshot!(advice.join("\n"), @r"
    advice for manifests, data files: restore them from a copy of the export; without one, export again into a new folder (with the --base-url of that run, if CHATZY_BASE_URL does not set it): chatzy-export run --contacts contacts.csv --format=jsonl --out OUT.new
    advice for added files: restore the manifests first: these files may belong to their runs
    ");
    patient.follow(&patient.report());
    let new = Patient { export: patient.export.clone().out("export.new"), url: patient.url.clone() };
    assert_eq!(new.heal(), Vec::<Vec<String>>::new(), "the new export is whole");
    assert!(patient.out().join("messages/part-second-00000.jsonl").exists(), "nothing is removed");
}

#[test]
fn what_is_in_the_place_of_a_file_is_removed_first() {
    let service = Service::start("");
    let patient = two_runs(&service, "--keep-raw --format jsonl");
    let file = patient.out().join("messages/part-first-00000.jsonl");
    fs::remove_file(&file).unwrap();
    write(&patient.export.path("elsewhere/x"), "kept");
    symlink(patient.export.path("elsewhere/x"), &file).unwrap();
    let contacts = patient.out().join("contacts/part-first-00000.jsonl");
    fs::remove_file(&contacts).unwrap();
    write(&contacts.join("inside"), "kept");
    assert_snapshot!(patient.text().lines().find(|line| line.starts_with("advice")).unwrap(), @"advice for objects that are not files, added files: remove them, then run verify again for the files that are missing in their place: mv -- OUT/contacts/part-first-00000.jsonl OUT.removed.1 && rm -- OUT/messages/part-first-00000.jsonl");
    let rounds = patient.heal();
    assert_eq!((rounds[0][0].as_str(), rounds.last().unwrap()[0].as_str()), ("not_regular", "data_file"));
    assert_eq!(read(&patient.export.path("elsewhere/x")), "kept", "only the link is removed");
}

/// Every hash fits, but the rows contradict each other.
#[test]
fn contradicting_rows_are_exported_again() {
    let service = Service::start("");
    let patient = two_runs(&service, "--format jsonl");
    let out = patient.out();
    let path = "messages/part-second-00000.jsonl";
    let text = read(&out.join(path)).replacen("\"conversation_id\":\"", "\"conversation_id\":\"x", 1);
    write(&out.join(path), &text);
    let manifest_path = out.join("_runs/second/manifest.json");
    let before = read_json(&manifest_path);
    let file = before["files"].as_array().unwrap().iter().find(|file| file["path"] == path).unwrap();
    let forge = |at: &Path, changes: &[(&str, String)]| {
        let forged = changes.iter().fold(read(at), |text, (old, new)| text.replace(old, new));
        write(at, &forged);
        sha256(forged)
    };
    let old = file["sha256"].as_str().unwrap();
    forge(&out.join("_runs/second/checksums.sha256"), &[(old, sha256(&text))]);
    let size = |bytes: usize| format!("\"bytes\": {bytes},");
    let sizes = (size(text.len() - 1), size(text.len()));
    let latest = read_json(&out.join("_runs/latest.json"));
    let hash = forge(&manifest_path, &[(old, sha256(&text)), (&sizes.0, sizes.1)]);
    forge(&out.join("_runs/latest.json"), &[(latest["sha256"].as_str().unwrap(), hash)]);
    let advice = patient.text();
    assert_snapshot!(advice.lines().find(|line| line.starts_with("advice")).unwrap().replace(service.url(), "API"), @"advice for rows: the files are as they were written, so a copy does not help; export the contacts again, then remove the damaged run and all older ones (with the --base-url of that run, if CHATZY_BASE_URL does not set it): chatzy-export run --contacts contacts.csv --format=jsonl --out OUT && chatzy-export prune OUT --keep-last 1");
    assert_eq!(patient.heal(), [["rows"]]);
}
