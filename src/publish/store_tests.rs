//! A publication into an object store that fails, stops or loses a response at any call ends in the same objects.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use object_store::memory::InMemory;

use super::tests::{Scene, draft, scene};
use super::{publish, resume, withdraw};
use crate::digest::sha256;
use crate::durable::Content;
use crate::output::manifest::{Latest, Manifest, Previous};
use crate::store::faults::{Fault, FaultStore};
use crate::store::{Integrity, Store};

const URL: &str = "s3://bucket/prefix";

/// All objects of a store, with their content.
fn objects(inner: &Arc<InMemory>) -> BTreeMap<String, String> {
    let store = Store::of_service("s3://bucket", Arc::clone(inner) as _, Integrity::Checksums);
    let read = |path: String| match store.read(&path, 1 << 20).unwrap() {
        Content::Bytes(text) => (path, String::from_utf8(text).unwrap()),
        other => panic!("{path}: {other:?}"),
    };
    store.list("prefix").unwrap().into_iter().map(|found| read(found.path)).collect()
}

fn faulty(
    inner: &Arc<InMemory>,
    fault: Option<(usize, Fault)>,
    integrity: Integrity,
) -> (Arc<FaultStore>, Store) {
    let service = Arc::new(FaultStore::new(inner, fault));
    (Arc::clone(&service), Store::of_service(URL, service, integrity))
}

/// The objects of an undisturbed publication, and the number of its calls.
fn undisturbed(integrity: Integrity) -> (BTreeMap<String, String>, usize) {
    let (scene, inner) = (scene(), Arc::new(InMemory::new()));
    let (service, store) = faulty(&inner, None, integrity);
    publish(&store, &scene.work, draft(), &mut |_| Ok(())).unwrap();
    (objects(&inner), service.calls())
}

/// No object of the run is in the folder of a table.
fn is_invisible(inner: &Arc<InMemory>) -> bool {
    objects(inner).keys().all(|path| path.starts_with("prefix/_runs/"))
}

#[test]
fn an_export_in_a_store_has_the_same_files_as_one_in_a_folder() {
    let local = scene();
    publish(&Store::local(&local.out), &local.work, draft(), &mut |_| Ok(())).unwrap();
    let (objects, _) = undisturbed(Integrity::Checksums);
    for (path, text) in &objects {
        let path = path.strip_prefix("prefix/").unwrap();
        assert_eq!(std::fs::read_to_string(local.out.join(path)).unwrap(), *text, "{path}");
    }
    assert_eq!(objects.len(), 9);
}

#[test]
fn a_fault_at_any_call_and_a_resume_end_in_the_same_objects() {
    for integrity in [Integrity::Checksums, Integrity::ReadBack] {
        let (expected, calls) = undisturbed(integrity);
        assert!(calls >= 30, "{calls} calls");
        for fault in Fault::ALL {
            for at in 0..calls {
                let (scene, inner) = (scene(), Arc::new(InMemory::new()));
                let (_, store) = faulty(&inner, Some((at, fault)), integrity);
                let mut is_uploaded = false;
                let published = publish(&store, &scene.work, draft(), &mut |step| {
                    is_uploaded |= step == "uploaded";
                    Ok(())
                });
                assert!(is_uploaded || is_invisible(&inner), "{fault:?} at {at}");
                assert!(!fault.is_end() || published.is_err(), "{fault:?} at {at}");
                if published.is_err() {
                    let (_, store) = faulty(&inner, None, integrity);
                    resume(&store, &scene.work, &mut |_| Ok(())).unwrap();
                }
                assert_eq!(objects(&inner), expected, "{fault:?} at {at}");
                assert!(!scene.work.join("publish.json").exists(), "{fault:?} at {at}");
                assert!(!scene.work.join("uploads.jsonl").exists(), "{fault:?} at {at}");
            }
        }
    }
}

#[test]
fn a_stop_while_resuming_and_another_resume_end_in_the_same_objects() {
    let (expected, calls) = undisturbed(Integrity::Checksums);
    for first in (0..calls).step_by(3) {
        for second in (0..calls).step_by(5) {
            let (scene, inner) = (scene(), Arc::new(InMemory::new()));
            for fault in [Some((first, Fault::Stopped)), Some((second, Fault::StoppedAfter)), None] {
                let (_, store) = faulty(&inner, fault, Integrity::Checksums);
                drop(start_or_resume(&store, &scene));
            }
            assert_eq!(objects(&inner), expected, "stopped at {first} and {second}");
        }
    }
}

fn start_or_resume(store: &Store, scene: &Scene) -> Result<(), super::PublishError> {
    if scene.work.join("publish.json").exists() {
        resume(store, &scene.work, &mut |_| Ok(())).map(drop)
    } else if scene.work.join("stage").exists() {
        publish(store, &scene.work, draft(), &mut |_| Ok(())).map(drop)
    } else {
        Ok(())
    }
}

#[test]
fn a_withdrawal_after_a_stop_at_any_call_leaves_no_object_or_a_whole_export() {
    let (expected, calls) = undisturbed(Integrity::Checksums);
    for at in 0..calls {
        let (scene, inner) = (scene(), Arc::new(InMemory::new()));
        let (_, store) = faulty(&inner, Some((at, Fault::Stopped)), Integrity::Checksums);
        publish(&store, &scene.work, draft(), &mut |_| Ok(())).unwrap_err();
        let committed = objects(&inner).contains_key("prefix/_runs/r/manifest.json");
        let (_, store) = faulty(&inner, None, Integrity::Checksums);
        store.write(Path::new("messages/notes.txt"), b"mine").unwrap();
        withdraw(&store, &scene.work).unwrap();
        let mut left = objects(&inner);
        assert_eq!(left.remove("prefix/messages/notes.txt").as_deref(), Some("mine"));
        assert_eq!(left, if committed { expected.clone() } else { BTreeMap::new() }, "stopped at {at}");
    }
}

/// A run whose manifest is written, but which ended before `latest.json` named it. Its work folder is lost.
fn unnamed_run(inner: &Arc<InMemory>, run_id: &str, previous: Option<(&str, &str)>) -> (Store, String) {
    let store = faulty(inner, None, Integrity::Checksums).1;
    let previous =
        previous.map(|(run_id, sha)| Previous { run_id: run_id.parse().unwrap(), sha256: sha.to_owned() });
    let (run_id_of_run, files) = (run_id.parse().unwrap(), Vec::new());
    let manifest = Manifest { run_id: run_id_of_run, previous, files, state: None, ..draft().manifest };
    let text = manifest.to_json();
    store.write(format!("_runs/{run_id}/manifest.json"), text.as_bytes()).unwrap();
    (store, sha256(text))
}

#[test]
fn the_next_run_names_a_run_that_ended_before_it_was_named() {
    let inner = Arc::new(InMemory::new());
    let (store, first) = unnamed_run(&inner, "20261120T020000Z-aaaaaa", None);
    let latest = Latest {
        run_id: "20261120T020000Z-aaaaaa".parse().unwrap(),
        manifest: "_runs/20261120T020000Z-aaaaaa/manifest.json".to_owned(),
        sha256: first.clone(),
    };
    store.write("_runs/latest.json", latest.to_json().as_bytes()).unwrap();
    let (_, second) =
        unnamed_run(&inner, "20261121T020000Z-bbbbbb", Some(("20261120T020000Z-aaaaaa", &first)));
    let (_, third) = unnamed_run(&inner, "custom", Some(("20261121T020000Z-bbbbbb", &second)));
    let scene = scene();
    let published = publish(&store, &scene.work, draft(), &mut |_| Ok(())).unwrap();
    let previous = published.manifest.previous.unwrap();
    assert_eq!((previous.run_id.as_str(), previous.sha256), ("custom", third));
}

#[test]
fn a_run_that_lost_the_race_for_latest_reports_it() {
    let inner = Arc::new(InMemory::new());
    let store = faulty(&inner, None, Integrity::Checksums).1;
    let scene = scene();
    let other = Latest {
        run_id: "other".parse().unwrap(),
        manifest: "_runs/other/manifest.json".to_owned(),
        sha256: sha256("other"),
    };
    let error = publish(&store, &scene.work, draft(), &mut |step| {
        if step == "manifest.json" {
            store.write("_runs/latest.json", other.to_json().as_bytes()).unwrap();
        }
        Ok(())
    });
    assert!(matches!(error, Err(super::PublishError::Forked { .. })), "{error:?}");
    assert!(objects(&inner)["prefix/_runs/latest.json"].contains("other"), "the other run is not displaced");
}
