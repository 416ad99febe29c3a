//! Tests that every kind of damage is found and named, without other findings.

pub(crate) mod fixture;
mod publishing;
mod versions;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::{DamageKind, Depth, Report, VerifyError, VerifyOptions, verify};
use crate::digest::sha256;
use crate::durable;
use crate::output::manifest::{Latest, Manifest};
use crate::settings::{Format, JsonlCodec, ParquetCodec};
use crate::store::Store;
use fixture::{Twist, export, export_with};

const PARQUET: Format = Format::Parquet(ParquetCodec::Zstd(3));

fn two_runs() -> tempfile::TempDir {
    let out = tempfile::tempdir().unwrap();
    export(out.path(), "r1", PARQUET, Twist::default());
    export(out.path(), "r2", Format::Jsonl(JsonlCodec::Zstd(3)), Twist::default());
    out
}

fn check(out: &Path, depth: Depth) -> Report {
    verify(&Store::local(out), &VerifyOptions { run: None, depth }).unwrap()
}

fn found(report: &Report) -> Vec<(DamageKind, &str)> {
    report.damages.iter().map(|damage| (damage.kind, damage.path.as_str())).collect()
}

fn edit(path: &Path, change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    let text = change(fs::read(path).unwrap());
    durable::replace(path, &text).unwrap();
}

fn flip(path: &Path, at: usize) {
    edit(path, |mut bytes| {
        bytes[at] ^= 1;
        bytes
    });
}

const MESSAGES_1: &str = "messages/month=1970-01/part-r1-00000.parquet";
const CONTACTS_1: &str = "contacts/part-r1-00000.parquet";

#[test]
fn a_sound_export_has_no_damage_in_any_format() {
    let codecs = [JsonlCodec::None, JsonlCodec::Gzip, JsonlCodec::Zstd(3)].map(Format::Jsonl);
    for format in codecs.into_iter().chain([PARQUET]) {
        let out = tempfile::tempdir().unwrap();
        export(out.path(), "r1", format, Twist::default());
        let report = check(out.path(), Depth::Deep);
        assert_eq!(report.damages, []);
        assert_eq!((report.runs, report.files, report.rows), (1, 3, 12));
    }
    let out = two_runs();
    let report = check(out.path(), Depth::Deep);
    assert_eq!(report.damages, []);
    assert_eq!((report.runs, report.files, report.rows), (2, 6, 24));
}

#[test]
fn each_damage_to_files_is_found() {
    type Harm = fn(&Path);
    let cases: [(Harm, &[(DamageKind, &str)]); 12] = [
        (|out| flip(&out.join(MESSAGES_1), 100), &[(DamageKind::Changed, MESSAGES_1)]),
        (
            |out| edit(&out.join(MESSAGES_1), |bytes| bytes[..bytes.len() - 1].to_vec()),
            &[(DamageKind::Cut, MESSAGES_1)],
        ),
        (|out| durable::remove_file(&out.join(MESSAGES_1)).unwrap(), &[(DamageKind::Missing, MESSAGES_1)]),
        (
            |out| drop(durable::create_new(&out.join("messages/month=1970-01/notes.txt")).unwrap()),
            &[(DamageKind::Added, "messages/month=1970-01/notes.txt")],
        ),
        (
            |out| symlink(out.join(MESSAGES_1), out.join("coverage/part-link.parquet")).unwrap(),
            &[(DamageKind::Added, "coverage/part-link.parquet")],
        ),
        (
            |out| {
                let swap = [MESSAGES_1, CONTACTS_1].map(|path| fs::read(out.join(path)).unwrap());
                durable::replace(&out.join(MESSAGES_1), &swap[1]).unwrap();
                durable::replace(&out.join(CONTACTS_1), &swap[0]).unwrap();
            },
            // The sizes differ, so one file is cut and the other has grown.
            &[(DamageKind::Cut, CONTACTS_1), (DamageKind::Changed, MESSAGES_1)],
        ),
        (|out| flip(&out.join("_runs/r1/failed.csv"), 12), &[(DamageKind::Changed, "_runs/r1/failed.csv")]),
        (
            |out| durable::remove_file(&out.join("_runs/r2/failed.csv")).unwrap(),
            &[(DamageKind::Missing, "_runs/r2/failed.csv")],
        ),
        (
            |out| flip(&out.join("_runs/r1/checksums.sha256"), 3),
            &[(DamageKind::Disagreement, "_runs/r1/checksums.sha256")],
        ),
        (
            |out| durable::remove_file(&out.join("_runs/latest.json")).unwrap(),
            &[(DamageKind::Missing, "_runs/latest.json")],
        ),
        (
            |out| edit(&out.join("_runs/r2/manifest.json"), |bytes| bytes[..300].to_vec()),
            &[
                (DamageKind::Changed, "_runs/r2/manifest.json"),
                (DamageKind::Unreadable, "_runs/r2/manifest.json"),
            ],
        ),
        (
            |out| durable::remove_file(&out.join("_runs/r1/manifest.json")).unwrap(),
            &[(DamageKind::Missing, "_runs/r1/manifest.json")],
        ),
    ];
    for (number, (harm, expected)) in cases.into_iter().enumerate() {
        let out = two_runs();
        harm(out.path());
        let report = check(out.path(), Depth::Deep);
        let (mut found, mut expected) = (found(&report), expected.to_vec());
        found.sort_by_key(|damage| (damage.1.to_owned(), damage.0 as u8));
        expected.sort_by_key(|damage| (damage.1.to_owned(), damage.0 as u8));
        assert_eq!(found, expected, "case {number}: {:?}", report.damages);
    }
}

#[test]
fn an_edited_manifest_of_any_run_is_found() {
    for run in ["r1", "r2"] {
        let out = two_runs();
        let path = format!("_runs/{run}/manifest.json");
        edit(&out.path().join(&path), |bytes| {
            String::from_utf8(bytes).unwrap().replace("api.example", "api.examp1e").into_bytes()
        });
        assert_eq!(found(&check(out.path(), Depth::Files)), [(DamageKind::Changed, path.as_str())]);
    }
}

#[test]
fn latest_that_names_a_missing_run_is_found() {
    let out = two_runs();
    let latest = Latest {
        run_id: "r9".parse().unwrap(),
        manifest: "_runs/r9/manifest.json".into(),
        sha256: sha256(""),
    };
    durable::replace(&out.path().join("_runs/latest.json"), latest.to_json().as_bytes()).unwrap();
    let report = check(out.path(), Depth::Files);
    assert_eq!(found(&report), [(DamageKind::Missing, "_runs/r9/manifest.json")]);
}

#[test]
fn latest_reset_to_an_older_run_is_found() {
    let out = tempfile::tempdir().unwrap();
    export(out.path(), "r1", PARQUET, Twist::default());
    let latest = fs::read(out.path().join("_runs/latest.json")).unwrap();
    export(out.path(), "r2", PARQUET, Twist::default());
    durable::replace(&out.path().join("_runs/latest.json"), &latest).unwrap();
    assert_eq!(found(&check(out.path(), Depth::Files)), [(DamageKind::Chain, "_runs/r2/manifest.json")]);
}

#[test]
fn raw_archives_are_decoded_but_are_not_rows() {
    let out = tempfile::tempdir().unwrap();
    export_with(out.path(), "r1", PARQUET, Twist::default(), Some("{\"messages\":[]}\n[1]\n"));
    assert_eq!(check(out.path(), Depth::Deep).damages, []);
    let out = tempfile::tempdir().unwrap();
    export_with(out.path(), "r1", Format::Jsonl(JsonlCodec::None), Twist::default(), Some("{}\n"));
    assert_eq!(found(&check(out.path(), Depth::Deep)), [(DamageKind::RowCount, "raw/part-r1-00000.jsonl")]);
}

#[test]
fn paths_outside_the_export_are_not_followed() {
    let path = "_runs/r1/manifest.json";
    for bad in [
        "messages/../../secret",
        "/etc/passwd",
        "messages//x",
        "contacts/a/../b",
        "messages/part-r2-00000.parquet",
    ] {
        let out = tempfile::tempdir().unwrap();
        export(out.path(), "r1", PARQUET, Twist::default());
        edit(&out.path().join(path), |bytes| {
            String::from_utf8(bytes).unwrap().replace(MESSAGES_1, bad).into_bytes()
        });
        let report = check(out.path(), Depth::Deep);
        assert!(found(&report).contains(&(DamageKind::Unreadable, path)), "{:?}", report.damages);
        assert!(report.damages.iter().any(|damage| damage.detail.contains(bad)), "{:?}", report.damages);
    }
    let out = two_runs();
    let away = tempfile::tempdir().unwrap();
    durable::rename(&out.path().join("messages"), &away.path().join("messages")).unwrap();
    symlink(away.path().join("messages"), out.path().join("messages")).unwrap();
    let report = check(out.path(), Depth::Files);
    assert!(found(&report).contains(&(DamageKind::UnsafePath, MESSAGES_1)), "{:?}", report.damages);
}

#[test]
fn deep_damage_is_found() {
    let cases = [
        (Twist { message_id: Some("a"), ..Twist::default() }, "repeat the message_id of another row"),
        (
            Twist { coverage_messages: Some(3), ..Twist::default() },
            "contact \"c3\": 2 rows in messages, expected 3",
        ),
        (Twist { doubled_coverage: true, ..Twist::default() }, "contact \"c1\": 2 rows in coverage"),
        (
            Twist { without_contact: Some("c1"), ..Twist::default() },
            "contact \"c1\": 0 rows in contacts, expected 1 for empty",
        ),
    ];
    for format in [PARQUET, Format::Jsonl(JsonlCodec::Gzip)] {
        for (twist, detail) in cases {
            let out = tempfile::tempdir().unwrap();
            export(out.path(), "r1", format, twist);
            let report = check(out.path(), Depth::Deep);
            assert!(
                report.damages.iter().any(|damage| damage.detail.contains(detail)),
                "{:?}",
                report.damages
            );
        }
    }
}

#[test]
fn rows_are_counted_in_the_files_themselves() {
    let out = tempfile::tempdir().unwrap();
    export(out.path(), "r1", Format::Jsonl(JsonlCodec::None), Twist::default());
    // The test removes a line and corrects all hashes.
    let file = out.path().join("contacts/part-r1-00000.jsonl");
    let before = fs::read_to_string(&file).unwrap();
    let after = before.split_once('\n').unwrap().1;
    durable::replace(&file, after.as_bytes()).unwrap();
    for name in ["_runs/r1/checksums.sha256", "_runs/r1/manifest.json"] {
        edit(&out.path().join(name), |text| {
            let text = String::from_utf8(text).unwrap().replace(&sha256(&before), &sha256(after));
            text.replace(&format!("\"bytes\": {}", before.len()), &format!("\"bytes\": {}", after.len()))
                .into_bytes()
        });
    }
    let manifest = fs::read(out.path().join("_runs/r1/manifest.json")).unwrap();
    edit(&out.path().join("_runs/latest.json"), |text| {
        let mut latest = Latest::parse(&text).unwrap();
        latest.sha256 = sha256(&manifest);
        latest.to_json().into_bytes()
    });
    assert_eq!(check(out.path(), Depth::Files).damages, []);
    let report = check(out.path(), Depth::Deep);
    assert_eq!(found(&report), [(DamageKind::RowCount, "contacts/part-r1-00000.jsonl")]);
}

#[test]
fn one_run_is_checked_alone() {
    let out = two_runs();
    flip(&out.path().join(MESSAGES_1), 100);
    let run = |id: &str| {
        verify(
            &Store::local(out.path()),
            &VerifyOptions { run: Some(id.parse().unwrap()), depth: Depth::Deep },
        )
    };
    assert_eq!(run("r2").unwrap().damages, []);
    assert_eq!(found(&run("r1").unwrap()), [(DamageKind::Changed, MESSAGES_1)]);
    assert!(matches!(run("r3"), Err(VerifyError::NoRun { .. })));
}

#[test]
fn one_run_is_verified_by_later_manifests() {
    let out = two_runs();
    edit(&out.path().join("_runs/r2/manifest.json"), |bytes| {
        String::from_utf8(bytes).unwrap().replace("api.example", "api.examp1e").into_bytes()
    });
    let of_first = VerifyOptions { run: Some("r1".parse().unwrap()), depth: Depth::Files };
    let report = verify(&Store::local(out.path()), &of_first).unwrap();
    assert_eq!(found(&report), [(DamageKind::Chain, "_runs/r1/manifest.json")]);
    assert!(report.damages[0].detail.contains("_runs/r2/manifest.json"), "{report:?}");
}

#[test]
fn other_files_in_place_of_lists_and_folders_are_named() {
    type Harm = fn(&Path);
    let cases: [(Harm, (DamageKind, &str)); 5] = [
        (
            |out| {
                durable::rename(&out.join("_runs/r1"), &out.join("r1")).unwrap();
                symlink(out.join("r1"), out.join("_runs/r1")).unwrap();
            },
            (DamageKind::Added, "_runs/r1"),
        ),
        (
            |out| {
                let failed = out.join("_runs/r1/failed.csv");
                durable::rename(&failed, &out.join("failed.csv")).unwrap();
                symlink(out.join("failed.csv"), failed).unwrap();
            },
            (DamageKind::UnsafePath, "_runs/r1/failed.csv"),
        ),
        (
            |out| {
                edit(&out.join("_runs/latest.json"), |text| {
                    String::from_utf8(text).unwrap().replace(": ", ":").into_bytes()
                });
            },
            (DamageKind::Changed, "_runs/latest.json"),
        ),
        (
            |out| {
                durable::create_dir_all(&out.join("_runs/r7"))
                    .and_then(|()| durable::replace(&out.join("_runs/r7/checksums.sha256.old"), b""))
                    .unwrap();
            },
            (DamageKind::Added, "_runs/r7/checksums.sha256.old"),
        ),
        (
            |out| {
                edit(&out.join("_runs/r1/checksums.sha256"), |text| {
                    let mut lines: Vec<_> = text.split_inclusive(|byte| *byte == b'\n').collect();
                    lines.reverse();
                    lines.concat()
                });
            },
            (DamageKind::Changed, "_runs/r1/checksums.sha256"),
        ),
    ];
    for (number, (harm, expected)) in cases.into_iter().enumerate() {
        let out = two_runs();
        harm(out.path());
        let report = check(out.path(), Depth::Files);
        assert!(found(&report).contains(&expected), "case {number}: {:?}", report.damages);
    }
}

#[test]
fn keys_of_later_versions_in_latest_are_not_damage() {
    let out = two_runs();
    edit(&out.path().join("_runs/latest.json"), |text| {
        String::from_utf8(text).unwrap().replace("\n}", ",\n  \"signature\": \"x\"\n}").into_bytes()
    });
    assert_eq!(check(out.path(), Depth::Files).damages, []);
}

#[test]
fn an_unfinished_run_is_neither_damage_nor_an_export() {
    let out = tempfile::tempdir().unwrap();
    let check = || verify(&Store::local(out.path()), &VerifyOptions { run: None, depth: Depth::Files });
    assert!(matches!(check(), Err(VerifyError::NoExport { .. })));
    durable::create_dir_all(&out.path().join("_work/stage/messages")).unwrap();
    durable::create_dir_all(&out.path().join("_work/spool")).unwrap();
    assert!(matches!(check(), Err(VerifyError::NoExport { .. })));
    export(out.path(), "r1", PARQUET, Twist::default());
    durable::create_dir_all(&out.path().join("_work/stage/messages")).unwrap();
    assert_eq!(check().unwrap().damages, []);
}

#[test]
fn the_report_serializes_to_json() {
    let out = two_runs();
    durable::remove_file(&out.path().join(MESSAGES_1)).unwrap();
    let mut report = check(out.path(), Depth::Files);
    report.bytes = 0;
    insta::assert_snapshot!(serde_json::to_string(&report).unwrap(), @r#"{"runs":2,"files":6,"rows":24,"bytes":0,"damages":[{"run_id":"r1","path":"messages/month=1970-01/part-r1-00000.parquet","kind":"missing","detail":"the manifest names it"}],"warnings":[],"erasures":[]}"#);
}

#[test]
fn numbers_of_any_size_in_a_manifest_do_not_stop_the_check() {
    let out = two_runs();
    let path = out.path().join("_runs/r2/manifest.json");
    edit(&path, |bytes| {
        let mut manifest = Manifest::parse(&bytes).unwrap();
        for file in &mut manifest.files {
            file.rows = u64::MAX;
        }
        for table in manifest.tables.values_mut() {
            table.rows = u64::MAX;
        }
        manifest.contacts.requested = u64::MAX;
        manifest.contacts.exported = u64::MAX;
        manifest.to_json().into_bytes()
    });
    let report = check(out.path(), Depth::Deep);
    assert!(
        found(&report).contains(&(DamageKind::RowCount, "messages/month=1970-01/part-r2-00000.jsonl.zst"))
    );
}
