//! `verify` on exports that `run` wrote.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use chatzy_export::internals::digest::sha256;
use serde_json::{Value, json};

use crate::support::export::{Export, Outcome, PROGRAM, read, write};
use crate::support::service::Service;

fn verify(arguments: &str, out: &Path) -> Export {
    Export::command("verify").arg(&out.to_string_lossy()).args(arguments)
}

/// The text with `OUT` for the export's path and the plain name of the program.
fn anonymous(text: &str, out: &Path) -> String {
    text.replace(&*out.to_string_lossy(), "OUT").replace(PROGRAM, "chatzy-export")
}

/// The document of `--json`.
fn findings(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.stdout).expect("one JSON document on stdout")
}

#[test]
fn what_was_exported_passes_and_damage_is_named() {
    let service = Service::start("--wild 0.1 --wild-kind valid");
    for format in ["--format parquet --partition-by month,channel", "--format jsonl --compression gzip"] {
        let export = Export::run_of(service.url(), ["messages-90-a", "messages-4-b", "empty-c", "unknown-d"]);
        let outcome = export.args(format).expect(0);
        verify("", &outcome.out).expect(0);
        verify("--deep", &outcome.out).expect(0);
        let manifest = outcome.manifest();
        let path = manifest["files"][0]["path"].as_str().unwrap();
        let mut bytes = std::fs::read(outcome.out.join(path)).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        write(&outcome.out.join(path), bytes);
        let found = verify("", &outcome.out).expect(8);
        assert!(format!("{}{}", found.stdout, found.stderr).contains(path), "{}", found.stderr);
    }
}

/// `--deep` compares rows with each other by rules that every export obeys, with any responses and any
/// options.
#[test]
fn no_export_is_blamed() {
    let services = [
        "",
        "--wild 1 --wild-kind all",
        "--wild 0.3 --wild-kind valid --order oldest --per-conversation",
        "--drift-insert 0.3 --drift-delete 0.3 --clamp 20",
        "--grouping never --flat-ids off",
    ];
    let options = [
        "--format jsonl --partition-by date,channel --target-file-size 4KB",
        "--partition-by export_date,run,year,month",
        "--flat --format jsonl --compression zstd --page-size 7",
        "--channel whatsapp --channel messenger --channel website --channel instagram --target-file-size 8KB",
        "--since 2026-03-01 --until 2026-07-01 --partition-by channel",
    ];
    let contacts: Vec<String> = (0..8).map(|at| format!("messages-{}-{at}", at * 7)).collect();
    for (at, switches) in services.into_iter().enumerate() {
        let service = Service::start(&format!("{switches} --seed {at}"));
        let export = Export::run_of(service.url(), &contacts).args("--retries 0 --allow-mixed");
        for run in [0, 2].map(|next| options[(at + next) % options.len()]) {
            let outcome = export.clone().args(run).run();
            assert!(matches!(outcome.code, Some(0 | 3)), "{switches}, {run}: {}", outcome.stderr);
        }
        let found = findings(&verify("--deep --json", &export.path("export")).run());
        assert_eq!(found["damages"], json!([]), "{switches}");
        assert_eq!((&found["warnings"], &found["runs"]), (&json!([]), &json!(2)), "{switches}");
    }
}

/// An export of two chained runs, `first` and `second`.
fn two_runs() -> Export {
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-9-a", "poison-2-b"]).args("--retries 0");
    export.clone().args("--format jsonl --run-id first").expect(3);
    export.clone().args("--partition-by month --run-id second --allow-mixed").expect(3);
    export
}

#[test]
fn a_sound_export_is_told_in_one_line() {
    let export = two_runs();
    let out = export.path("export");
    let outcome = verify("--deep", &out).expect(0);
    let line = outcome.stderr.replace(&*out.to_string_lossy(), "OUT");
    let (line, _bytes) = line.trim_end().rsplit_once(", ").unwrap();
    insta::assert_snapshot!(line, @"OUT is intact: 2 runs, 10 files, 56 rows");
    assert_eq!(outcome.stdout, "", "only --json writes to stdout");
    let outcome = verify("-q", &out).expect(0);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""));
}

#[test]
fn damages_are_told_one_by_one() {
    let export = two_runs();
    let out = export.path("export");
    std::fs::remove_file(out.join("_runs/first/failed.csv")).unwrap();
    write(&out.join("contacts/part-first-00000.jsonl"), "{}\n");
    write(&out.join("_runs/second/notes.txt"), "mine");
    write(&out.join("_runs/latest.json"), read(&out.join("_runs/latest.json")).replace("  ", " "));
    let outcome = verify("", &out).expect(8);
    let manifest = sha256(read(&out.join("_runs/second/manifest.json")));
    insta::assert_snapshot!(anonymous(&outcome.stderr, &out).replace(&manifest, "SHA256"), @r#"
    changed: _runs/latest.json: its content is the same, but its form has changed
    cut: contacts/part-first-00000.jsonl: it has 3 bytes, expected 526
    missing: _runs/first/failed.csv: checksums.sha256 lists it
    added: _runs/second/notes.txt: it does not belong to any run
    advice for latest.json: restore it from a copy of the export; without one, if second is the newest run, write it again: rm -f -- OUT/_runs/latest.json && (umask 077; printf '{\n  "run_id": "second",\n  "manifest": "_runs/second/manifest.json",\n  "sha256": "SHA256"\n}\n' >OUT/_runs/latest.json)
    advice for failed.csv, data files: restore them from a copy of the export; without one, export the contacts again, then remove the damaged run and all older ones (with the --base-url of that run, if CHATZY_BASE_URL does not set it): chatzy-export run --contacts contacts.csv --format=jsonl --out OUT && chatzy-export prune OUT --keep-last 2
    advice for added files: if no other program needs them, remove them: rm -- OUT/_runs/second/notes.txt
    error: OUT is damaged: 4 findings above, with advice
    "#);
    let outcome = verify("--run first", &out).expect(8);
    assert!(!outcome.stderr.contains("notes.txt"), "of the other run: {}", outcome.stderr);
    assert!(outcome.stderr.contains("failed.csv"), "{}", outcome.stderr);
    verify("--run third", &out).expect(2);
}

#[test]
fn json_tells_machines() {
    let export = two_runs();
    let out = export.path("export");
    let path = "contacts/part-first-00000.jsonl";
    let bytes = std::fs::metadata(out.join(path)).unwrap().len();
    write(&out.join(path), "{}\n");
    set_permissions(out.join("coverage"), Permissions::from_mode(0o755)).unwrap();
    let outcome = verify("--deep --json", &out).expect(8);
    let mut found = findings(&outcome);
    assert_eq!(found["damages"][0]["detail"], format!("it has 3 bytes, expected {bytes}"));
    found["damages"][0]["detail"] = "…".into();
    found["bytes"] = 0.into();
    insta::assert_snapshot!(anonymous(&serde_json::to_string_pretty(&found).unwrap(), &out), @r#"
    {
      "advice": [
        {
          "commands": [
            "chatzy-export run --contacts contacts.csv --format=jsonl --out OUT",
            "chatzy-export prune OUT --keep-last 2"
          ],
          "run_ids": [
            "first"
          ],
          "subjects": [
            "data_file"
          ],
          "text": "restore them from a copy of the export; without one, export the contacts again, then remove the damaged run and all older ones (with the --base-url of that run, if CHATZY_BASE_URL does not set it)"
        },
        {
          "commands": [
            "chmod -R go-rwx OUT"
          ],
          "run_ids": [],
          "subjects": [
            "permissions"
          ],
          "text": "to deny access to other users, run"
        }
      ],
      "bytes": 0,
      "damages": [
        {
          "detail": "…",
          "kind": "cut",
          "path": "contacts/part-first-00000.jsonl",
          "run_id": "first"
        }
      ],
      "erasures": [],
      "files": 10,
      "rows": 56,
      "runs": 2,
      "warnings": [
        {
          "detail": "its mode is 755; it was written with 700",
          "kind": "permissions",
          "path": "coverage",
          "run_id": null
        }
      ]
    }
    "#);
}

#[test]
fn modes_are_warned_of_and_no_damage() {
    let export = two_runs();
    let out = export.path("export");
    set_permissions(out.join("_runs/second/manifest.json"), Permissions::from_mode(0o644)).unwrap();
    set_permissions(out.join("messages"), Permissions::from_mode(0o750)).unwrap();
    let outcome = verify("", &out).expect(0);
    insta::assert_snapshot!(anonymous(&outcome.first_line(), &out), @"warning: 2 files or folders are for other users than the owner, such as messages: its mode is 750; it was written with 700; to deny access to other users, run: chmod -R go-rwx OUT");
    assert_eq!(verify("-q", &out).expect(0).stderr.lines().count(), 1, "--quiet keeps the warning");
}

#[test]
fn there_must_be_an_export() {
    let folder = tempfile::tempdir().unwrap();
    verify("", folder.path()).expect(2);
    verify("", &folder.path().join("nowhere")).expect(2);
}

#[test]
fn files_of_desktops_and_file_systems_are_warnings() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-3-a"]).args("--format jsonl");
    let out = export.expect(0).out;
    let names = [".DS_Store", "Thumbs.db", "desktop.ini", "._part-x.jsonl", ".nfs000000001", "_SUCCESS"];
    for name in names {
        for folder in ["messages", "_runs"] {
            crate::support::export::write(&out.join(folder).join(name), "x");
        }
    }
    let path = out.to_string_lossy().into_owned();
    let outcome = Export::command("verify --deep").arg(&path).expect(0);
    assert!(outcome.stderr.contains("warning: 12 files do not belong to the export"), "{}", outcome.stderr);
    let outcome = Export::command("verify --json").arg(&path).expect(0);
    let report: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    let added = report["warnings"].as_array().unwrap().iter().filter(|warning| warning["kind"] == "added");
    assert_eq!(added.count(), 12);
    for name in ["Thumbs.db.jsonl", "DS_Store", "_SUCCESS.parquet"] {
        let file = out.join("messages").join(name);
        crate::support::export::write(&file, "x");
        Export::command("verify").arg(&path).expect(8);
        std::fs::remove_file(&file).unwrap();
    }
}
