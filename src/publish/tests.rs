//! A publication that stops at any step and is resumed ends in the same files.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::{Draft, JOURNAL, PublishError, STAGE, publish, resume, steps, withdraw};
use crate::digest::sha256;
use crate::durable::{self, StorageError};
use crate::output::manifest::{
    ContactCounts, FileEntry, Input, Latest, Manifest, Previous, Requests, Source, StateEntry, Status, Tool,
};
use crate::store::{CompletionError, Store};

const FILES: [&str; 3] = [
    "contacts/part-r-00000.jsonl",
    "messages/month=2026-11/part-r-00000.jsonl",
    "messages/month=2026-12/part-r-00000.jsonl",
];

const STATE: &str = "_runs/r/state.parquet";
const LISTS: [&str; 2] = ["_runs/r/failed.csv", "_runs/r/not_found.csv"];

pub(super) struct Scene {
    _root: tempfile::TempDir,
    pub(super) out: PathBuf,
    pub(super) work: PathBuf,
}

fn put(path: &Path, text: &str) {
    use std::io::Write;
    durable::create_dir_all(path.parent().unwrap()).unwrap();
    durable::create_new(path).unwrap().write_all(text.as_bytes()).unwrap();
}

pub(super) fn scene() -> Scene {
    let root = tempfile::tempdir().unwrap();
    let (out, work) = (root.path().join("out"), root.path().join("out/_work"));
    for path in FILES {
        put(&work.join(STAGE).join(path), &content(path));
    }
    for path in [STATE].iter().chain(&LISTS) {
        put(&work.join(STAGE).join(path), &content(path));
    }
    put(&work.join("spool/segment"), "raw");
    put(&work.join("decision.json"), "{}");
    Scene { _root: root, out, work }
}

fn content(path: &str) -> String {
    format!("{{\"path\":\"{path}\"}}\n")
}

pub(super) fn draft() -> Draft {
    let file = |path: &&str| FileEntry {
        table: path.split('/').next().unwrap().to_owned(),
        path: path.parse().unwrap(),
        rows: 1,
        bytes: content(path).len() as u64,
        sha256: sha256(content(path)),
        partition: Vec::new(),
        min_created_at: None,
        max_created_at: None,
    };
    let manifest = Manifest {
        manifest_version: 1,
        schema_version: 1,
        run_id: "r".parse().unwrap(),
        status: Status::Partial,
        tool: Tool::default(),
        started_at: "2026-11-20T02:00:00.000000Z".into(),
        finished_at: "2026-11-20T02:00:01.000000Z".into(),
        source: Source { base_url: "https://api.example".into() },
        options: crate::output::manifest::RunOptions::default(),
        input: Input {
            path: "c.csv".into(),
            sha256: sha256("x"),
            lines: 2,
            contacts: 1,
            duplicates: 0,
            suppressed: 0,
            doubts: Vec::new(),
        },
        contacts: ContactCounts { requested: 1, failed: 1, ..ContactCounts::default() },
        requests: Requests::default(),
        unknown_fields: BTreeMap::new(),
        known_fields: BTreeMap::new(),
        schema_changes: Vec::new(),
        tables: BTreeMap::new(),
        files: FILES.iter().map(file).collect(),
        previous: None,
        state: Some(StateEntry {
            path: STATE.parse().unwrap(),
            rows: 1,
            bytes: content(STATE).len() as u64,
            sha256: sha256(content(STATE)),
        }),
        shards: None,
        rebuilt_from: None,
        snapshot_of: Vec::new(),
    };
    Draft { manifest, lists: LISTS.iter().map(file).collect(), failed_csv: None }
}

/// All files below a folder, with their content, and all folders.
fn tree(root: &Path) -> BTreeMap<String, Option<String>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let name = entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            if entry.file_type().unwrap().is_dir() {
                found.insert(name, None);
                folders.push(entry.path());
            } else {
                found.insert(name, Some(fs::read_to_string(entry.path()).unwrap()));
            }
        }
    }
    found
}

/// Publishes, and stops after the step of this number; whether it was stopped.
fn publish_and_stop(scene: &Scene, stop_after: usize) -> bool {
    put(&scene.work.join(JOURNAL), &serde_json::to_string(&draft()).unwrap());
    let mut steps = 0;
    let stopped = steps::redo(&Store::local(&scene.out), &scene.work, draft(), &mut |_| {
        steps += 1;
        let stop = StorageError::new("stop", Path::new("here"), std::io::Error::other("stop"));
        if steps > stop_after { Err(stop.into()) } else { Ok(()) }
    });
    stopped.is_err()
}

#[test]
fn an_export_has_the_documented_files() {
    let scene = scene();
    let published = publish(&Store::local(&scene.out), &scene.work, draft(), &mut |_| Ok(())).unwrap();
    let tree = tree(&scene.out);
    let names: Vec<_> = tree.iter().filter(|entry| entry.1.is_some()).map(|entry| entry.0.as_str()).collect();
    let mut expected = vec![
        "_runs/latest.json",
        "_runs/r/checksums.sha256",
        "_runs/r/failed.csv",
        "_runs/r/manifest.json",
        "_runs/r/not_found.csv",
        STATE,
    ];
    expected.extend(FILES);
    assert_eq!(names, expected);
    assert_eq!(published.manifest, draft().manifest);
    let manifest = tree["_runs/r/manifest.json"].clone().unwrap();
    assert_eq!(Manifest::parse(manifest.as_bytes()).unwrap(), published.manifest);
    let latest = Latest::parse(tree["_runs/latest.json"].clone().unwrap().as_bytes()).unwrap();
    assert_eq!(latest.manifest, "_runs/r/manifest.json");
    assert_eq!(latest.sha256, sha256(manifest));
    let checksums = tree["_runs/r/checksums.sha256"].clone().unwrap();
    let listed = checksums.lines().map(|line| line.split_once("  ").unwrap());
    let listed: Vec<_> = listed.map(|(hash, path)| (hash.to_owned(), path)).collect();
    let expected = FILES.iter().chain(&LISTS).chain([&STATE]);
    assert_eq!(listed, expected.map(|path| (sha256(content(path)), *path)).collect::<Vec<_>>());
    let mode = |path: &str| fs::metadata(scene.out.join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        (mode("messages/month=2026-11"), mode(FILES[1]), mode("_runs/r/manifest.json")),
        (0o700, 0o600, 0o600)
    );
}

/// Version 0.1.0 had the text of `failed.csv` in the journal.
#[test]
fn a_journal_of_the_first_version_is_finished() {
    let scene = scene();
    let mut journal = serde_json::to_value(draft()).unwrap();
    journal.as_object_mut().unwrap().remove("lists");
    journal["failed_csv"] = "contact_id,error\nc1,no\n".into();
    put(&scene.work.join(JOURNAL), &journal.to_string());
    assert!(resume(&Store::local(&scene.out), &scene.work, &mut |_| Ok(())).unwrap().is_some());
    let tree = tree(&scene.out);
    assert_eq!(tree["_runs/r/failed.csv"].as_deref(), Some("contact_id,error\nc1,no\n"));
    let checksums = tree["_runs/r/checksums.sha256"].clone().unwrap();
    assert!(checksums.contains(&format!("{}  _runs/r/failed.csv\n", sha256("contact_id,error\nc1,no\n"))));
    assert!(!tree.contains_key("_runs/r/not_found.csv"));
}

#[test]
fn an_interruption_at_any_step_and_a_resume_end_in_the_same_files() {
    let whole = scene();
    publish(&Store::local(&whole.out), &whole.work, draft(), &mut |_| Ok(())).unwrap();
    let expected = tree(&whole.out);
    let mut stops = 0;
    loop {
        let scene = scene();
        let stopped = publish_and_stop(&scene, stops);
        // The journal is the first thing to be there and the last to go.
        let begun = scene.work.join(JOURNAL).exists();
        assert_eq!(resume(&Store::local(&scene.out), &scene.work, &mut |_| Ok(())).unwrap().is_some(), begun);
        assert!(!scene.work.join("spool").exists());
        assert!(resume(&Store::local(&scene.out), &scene.work, &mut |_| Ok(())).unwrap().is_none());
        let mut tree = tree(&scene.out);
        tree.remove("_work");
        assert_eq!(tree, expected, "stopped after {stops} steps");
        if !stopped {
            break;
        }
        stops += 1;
    }
    assert!(stops > 12, "{stops} steps");
}

#[test]
fn previous_is_the_run_that_latest_named() {
    let scene = scene();
    let older = Latest {
        run_id: "older".parse().unwrap(),
        manifest: "_runs/older/manifest.json".into(),
        sha256: sha256("m"),
    };
    put(&scene.out.join("_runs/latest.json"), &older.to_json());
    // Stopped after latest.json was replaced, the run does not take itself for its predecessor.
    let steps_to_latest = 17;
    publish_and_stop(&scene, steps_to_latest);
    resume(&Store::local(&scene.out), &scene.work, &mut |_| Ok(())).unwrap();
    let text = fs::read(scene.out.join("_runs/r/manifest.json")).unwrap();
    let expected = Previous { run_id: older.run_id, sha256: older.sha256 };
    assert_eq!(Manifest::parse(&text).unwrap().previous, Some(expected));
}

#[test]
fn foreign_files_are_never_overwritten() {
    let scene = scene();
    put(&scene.out.join(FILES[1]), "mine");
    let error = publish(&Store::local(&scene.out), &scene.work, draft(), &mut |_| Ok(())).unwrap_err();
    assert!(
        matches!(error, PublishError::File(CompletionError::Foreign { ref path }) if path.ends_with(FILES[1])),
        "{error}"
    );
    withdraw(&Store::local(&scene.out), &scene.work).unwrap();
    assert_eq!(fs::read_to_string(scene.out.join(FILES[1])).unwrap(), "mine");
    assert!(!scene.out.join("contacts").exists(), "what had been published is withdrawn");
}

#[test]
fn symbolic_links_are_not_followed() {
    let scene = scene();
    let elsewhere = tempfile::tempdir().unwrap();
    durable::create_dir_all(&elsewhere.path().join("month=2026-11")).unwrap();
    symlink(elsewhere.path(), scene.out.join("messages")).unwrap();
    assert!(publish(&Store::local(&scene.out), &scene.work, draft(), &mut |_| Ok(())).is_err());
    assert_eq!(tree(elsewhere.path()).len(), 1, "nothing was written there");
}

#[test]
fn a_missing_staged_file_stops_before_the_manifest() {
    let scene = scene();
    durable::remove_file(&scene.work.join(STAGE).join(FILES[2])).unwrap();
    let error = publish(&Store::local(&scene.out), &scene.work, draft(), &mut |_| Ok(())).unwrap_err();
    assert!(matches!(error, PublishError::File(CompletionError::Missing { .. })), "{error}");
    assert!(!scene.out.join("_runs").exists());
}

#[test]
fn a_withdrawal_at_any_step_leaves_no_file_or_a_whole_export() {
    for stops in 0.. {
        let scene = scene();
        put(&scene.out.join("messages/notes.txt"), "mine");
        let stopped = publish_and_stop(&scene, stops);
        let committed = scene.out.join("_runs/r/manifest.json").exists();
        withdraw(&Store::local(&scene.out), &scene.work).unwrap();
        assert_eq!(fs::read_to_string(scene.out.join("messages/notes.txt")).unwrap(), "mine");
        let files = FILES.iter().filter(|path| scene.out.join(path).exists()).count();
        assert_eq!(files, if committed { 3 } else { 0 });
        assert_eq!(scene.out.join("_runs/latest.json").exists(), committed);
        assert_eq!(scene.out.join("_runs/r").exists(), committed);
        if !stopped {
            break;
        }
    }
}
