//! Tests of runs whose publication is under way or was interrupted. They are not damage.

use std::fs;
use std::path::Path;

use super::fixture::{Twist, export};
use super::{PARQUET, check, found, two_runs};
use crate::durable;
use crate::output::manifest::{FileEntry, Latest, Manifest, Previous};
use crate::publish::Draft;
use crate::store::Store;
use crate::verify::{DamageKind, Depth, Report, VerifyOptions, added, runs, verify};

const OPTIONS: VerifyOptions = VerifyOptions { run: None, depth: Depth::Files };

/// Restores the journal of the run `r2`, as during its publication.
fn put_journal(out: &Path) {
    let text = fs::read(out.join("_runs/r2/manifest.json")).unwrap();
    let manifest = Manifest { previous: None, ..Manifest::parse(&text).unwrap() };
    let lists = vec![FileEntry {
        table: "_runs".to_owned(),
        path: "_runs/r2/failed.csv".parse().unwrap(),
        ..manifest.files[0].clone()
    }];
    let journal = serde_json::to_vec(&Draft { manifest, lists, failed_csv: None }).unwrap();
    durable::create_dir_all(&out.join("_work")).unwrap();
    durable::replace(&out.join("_work/publish.json"), &journal).unwrap();
}

#[test]
fn an_interrupted_publication_is_not_damage() {
    let out = two_runs();
    let out = out.path();
    put_journal(out);
    assert_eq!(check(out, Depth::Deep).damages, [], "all is done but for the work folder");

    // The manifest is written, but latest.json names the previous run.
    let text = fs::read(out.join("_runs/r2/manifest.json")).unwrap();
    let Some(Previous { run_id, sha256 }) = Manifest::parse(&text).unwrap().previous else { panic!("first") };
    let latest = Latest { manifest: format!("_runs/{run_id}/manifest.json"), run_id, sha256 };
    durable::replace(&out.join("_runs/latest.json"), latest.to_json().as_bytes()).unwrap();
    for beside in ["_runs/latest.json.tmp", "_runs/r2/manifest.json.tmp"] {
        drop(durable::create_new(&out.join(beside)).unwrap());
    }
    let report = check(out, Depth::Deep);
    assert_eq!((report.damages, report.runs), (vec![], 2));

    // There is no manifest yet, and one file is not in place.
    durable::remove_file(&out.join("_runs/r2/manifest.json")).unwrap();
    durable::rename(
        &out.join("contacts/part-r2-00000.jsonl.zst"),
        &out.join("contacts/.part-r2-00000.jsonl.zst.tmp"),
    )
    .unwrap();
    durable::rename(&out.join("_runs/r2/failed.csv"), &out.join("_runs/r2/.failed.csv.tmp")).unwrap();
    let report = check(out, Depth::Deep);
    assert_eq!((report.damages, report.runs), (vec![], 1));

    // Without a journal, no publication is under way.
    durable::remove_file(&out.join("_work/publish.json")).unwrap();
    let report = check(out, Depth::Files);
    for path in ["contacts/.part-r2-00000.jsonl.zst.tmp", "_runs/latest.json.tmp"] {
        assert!(found(&report).contains(&(DamageKind::Added, path)), "{report:?}");
    }
    assert!(found(&report).contains(&(DamageKind::Missing, "_runs/r2/manifest.json")), "{report:?}");
}

#[test]
fn the_first_run_may_be_interrupted_before_latest_names_it() {
    let out = tempfile::tempdir().unwrap();
    export(out.path(), "r2", PARQUET, Twist::default());
    put_journal(out.path());
    durable::remove_file(&out.path().join("_runs/latest.json")).unwrap();
    assert_eq!(check(out.path(), Depth::Deep).damages, []);
    durable::remove_file(&out.path().join("_work/publish.json")).unwrap();
    assert_eq!(found(&check(out.path(), Depth::Files)), [(DamageKind::Missing, "_runs/latest.json")]);
}

#[test]
fn files_of_a_run_published_meanwhile_are_not_added_files() {
    let out = two_runs();
    let mut report = Report::default();
    let then = runs::read(&Store::local(out.path()), &OPTIONS, &mut report).unwrap();
    export(out.path(), "r3", PARQUET, Twist::default());
    drop(durable::create_new(&out.path().join("messages/stray")).unwrap());
    added::find(&Store::local(out.path()), &OPTIONS, &then, &mut report).unwrap();
    assert_eq!(found(&report), [(DamageKind::Added, "messages/stray")]);
}

#[test]
fn an_export_may_be_verified_during_publications() {
    let out = two_runs();
    std::thread::scope(|scope| {
        let publishing = scope.spawn(|| {
            for run in 3..10 {
                export(out.path(), &format!("r{run}"), PARQUET, Twist::default());
            }
        });
        while !publishing.is_finished() {
            assert_eq!(verify(&Store::local(out.path()), &OPTIONS).unwrap().damages, []);
        }
    });
    assert_eq!(check(out.path(), Depth::Files).runs, 9);
}
