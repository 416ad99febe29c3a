//! The folder of a snapshot has one snapshot, whatever happens.

use std::collections::BTreeMap;
use std::path::Path;

use chatzy_export::internals::durable::{create_dir_all, rename};
use serde_json::Value;

use super::{is_as_the_views_show, nights, snapshot, verify};
use crate::incremental::account::Account;
use crate::support::export::{Export, json, tree};
use crate::support::faults::{CHANGING, Fate, Fault, count, setting};
use crate::support::scene::random;
use crate::support::service::Service;

/// The IDs of the runs in a folder.
fn runs(out: &Path) -> Vec<String> {
    let manifests = tree(&out.join("_runs")).into_iter();
    manifests.filter_map(|path| Some(path.strip_suffix("/manifest.json")?.to_owned())).collect()
}

/// Runs whose data files are in the tables' folders.
fn runs_of_files(out: &Path) -> Vec<String> {
    let files = tree(out).into_iter().filter(|path| !path.starts_with('_'));
    let mut runs: Vec<String> = files
        .map(|path| {
            let name = path.rsplit('/').next().unwrap().strip_prefix("part-").unwrap().to_owned();
            name.rsplit_once('-').unwrap().0.to_owned()
        })
        .collect();
    runs.dedup();
    runs.sort();
    runs.dedup();
    runs
}

#[test]
fn a_second_snapshot_is_refused_and_replaces_the_first_if_told_to() {
    let account = Account::of(&["a", "b"]);
    let source = account.nightly(&["a", "b"]);
    source.expect(0);
    let export = snapshot(&source, "snapshot", "");
    let first = export.expect(0);
    let before = runs(&first.out);
    let again = export.expect(0);
    assert!(again.stderr.contains("is up to date"), "{}", again.stderr);
    assert_eq!(runs(&first.out), before, "the same snapshot is not made twice");

    account.write("a", "3");
    source.expect(0);
    let refused = export.expect(9);
    insta::assert_snapshot!(refused.whole_last_line().replace(&before[0], "RUN").replace(&*source.path("").to_string_lossy(), "SOURCE/"), @"error: SOURCE/snapshot already has the snapshot RUN, of another state of the export or with other options: with a second one, readers of the folder would see contacts twice; to replace it, run: chatzy-export snapshot --progress never SOURCE/export --out SOURCE/snapshot --replace");
    let other_form = snapshot(&source, "snapshot", "--format jsonl").expect(9);
    assert!(other_form.stderr.contains("--replace"), "{}", other_form.stderr);
    assert_eq!(runs(&first.out), before);

    for form in ["--replace", "--replace --format jsonl --partition-by month"] {
        let replaced = snapshot(&source, "snapshot", form).expect(0);
        assert_eq!(runs(&replaced.out).len(), 1, "the old one is gone");
        assert_eq!(runs_of_files(&replaced.out), runs(&replaced.out), "with all of its files");
        assert_ne!(runs(&replaced.out), before);
        verify(&replaced.out);
        is_as_the_views_show(source.out_path(), &replaced.out, form);
    }
    let record = json(&first.out.join("_runs/pruned.json"));
    assert!(
        record["pruned"].as_array().unwrap().len() <= 1,
        "the record of removed ones stays short: {record}"
    );
}

#[test]
fn a_damaged_snapshot_is_not_up_to_date_and_verify_advises_how_to_make_it_again() {
    let account = Account::of(&["a", "b"]);
    let source = account.nightly(&["a", "b"]);
    source.expect(0);
    let export = snapshot(&source, "snapshot", "--partition-by month --format jsonl");
    let outcome = export.expect(0);
    let file = outcome.tree().into_iter().find(|path| path.starts_with("messages")).unwrap();
    std::fs::remove_file(outcome.out.join(&file)).unwrap();
    let refused = export.clone().args("--replace").expect(8);
    assert!(refused.last_line().contains(&file), "{}", refused.last_line());
    let verified = Export::command("verify --json").arg(&outcome.out.to_string_lossy()).expect(8);
    let report: Value = serde_json::from_str(&verified.stdout).unwrap();
    let command = report["advice"][0]["commands"][0].as_str().unwrap();
    let typed = std::process::Command::new("bash").args(["-c", command]).output().unwrap();
    assert!(typed.status.success(), "{command}: {}", String::from_utf8_lossy(&typed.stderr));
    let again = source.path("snapshot.new");
    verify(&again);
    assert_eq!(files(&again).keys().filter(|path| path.starts_with("messages/month=")).count(), 1);
}

#[test]
fn no_run_goes_into_the_folder_of_a_snapshot_nor_a_snapshot_among_runs() {
    let service = Service::start("");
    let source = Export::run_of(service.url(), ["messages-3-a"]).args("--keep-raw");
    source.expect(0);
    let export = snapshot(&source, "snapshot", "--run-id snap");
    export.expect(0);
    for options in ["", "--allow-mixed", "--incremental", "--dry-run"] {
        let run = source.clone().args(options).out("snapshot").expect(9);
        insta::allow_duplicates! {
            insta::assert_snapshot!(run.last_line(), @"error: DIR/snapshot has the snapshot snap: with another run beside it, readers of the folder would see contacts twice; choose another --out");
        }
    }
    let rebuild = Export::command("rebuild --from").arg(&source.out_path().to_string_lossy()).arg("--out");
    rebuild.arg(&export.out_path().to_string_lossy()).expect(9);
    let other = source.clone().out("other");
    other.expect(0);
    let among = snapshot(&source, "other", "--replace").expect(9);
    assert!(
        among.last_line().contains("which is no snapshot: choose another --out"),
        "{}",
        among.last_line()
    );
    verify(export.out_path());
    verify(other.out_path());
}

#[test]
fn a_snapshot_is_not_made_inside_of_its_source() {
    let service = Service::start("");
    let source = Export::run_of(service.url(), ["messages-3-a"]);
    source.expect(0);
    std::os::unix::fs::symlink(source.out_path(), source.path("link")).unwrap();
    let before = tree(source.out_path());
    for out in ["export", "export/latest", "link", "link/x/y", "other/../export/latest"] {
        let outcome = snapshot(&source, out, "").expect(2);
        assert!(outcome.last_line().contains("is inside the export"), "{out}: {}", outcome.last_line());
    }
    assert_eq!(tree(source.out_path()), before);
    let work = source.out_path().join("work");
    let inside = snapshot(&source, "none", "").args("--work-dir").arg(&work.to_string_lossy()).expect(2);
    assert!(inside.last_line().contains("--work-dir"), "{}", inside.last_line());
    let nowhere = snapshot(&source.clone().out("nowhere"), "none", "").expect(2);
    assert!(nowhere.last_line().contains("there is no export at"), "{}", nowhere.last_line());
    for bad in ["--compression brotli", "--partition-by month,month", "--target-file-size 0B", "--format csv"]
    {
        snapshot(&source, "none", bad).expect(2);
    }
    assert!(!source.path("none").exists());
}

/// The files of a snapshot, with all that does not depend on its time.
fn files(out: &Path) -> BTreeMap<String, (Value, Value)> {
    let latest = json(&out.join("_runs/latest.json"));
    let manifest = json(&out.join(latest["manifest"].as_str().unwrap()));
    let run_id = manifest["run_id"].as_str().unwrap().to_owned();
    let files = manifest["files"].as_array().unwrap().iter();
    files
        .map(|file| {
            let path = file["path"].as_str().unwrap().replace(&run_id, "RUN");
            (path, (file["rows"].clone(), file["min_created_at"].clone()))
        })
        .collect()
}

#[test]
fn killed_at_random_calls_and_made_again() {
    let (mut rng, seed) = random("a snapshot, killed at random calls");
    let (service, source) = nights("--partition-by month", 5);
    let old = source.path("old");
    rename(source.out_path(), &old).unwrap();
    let first = source.clone().out("old");
    let form = "--partition-by month --format jsonl --replace";
    let template = snapshot(&first, "template/snapshot", form);
    template.expect(3);
    service.night();
    source.clone().out("old").args("--full-sweep-every 1ms").expect(0);
    let fresh = |name: &str| {
        create_dir_all(&source.path(name)).unwrap();
        let copied = std::process::Command::new("cp")
            .arg("-a")
            .args([template.out_path(), &source.path(&format!("{name}/snapshot"))])
            .status();
        assert!(copied.expect("cp").success());
        snapshot(&first, &format!("{name}/snapshot"), form)
    };
    let whole = fresh("whole").logging_calls();
    whole.expect(3);
    let calls = count(&whole.calls(), CHANGING);
    let reference = files(whole.out_path());
    for turn in 0..setting("CRASH_KILLS", 50) / 4 {
        let export = fresh(&format!("killed-{turn}"));
        let faults: Vec<Fault> =
            (0..rng.usize(1..=3)).map(|_| crate::crash::random_kill(&mut rng, calls)).collect();
        for fault in &faults {
            export.with_fault(*fault).run();
            // There is always a whole snapshot.
            verify(export.out_path());
        }
        export.expect(3);
        let told = format!("{seed}: {faults:?}");
        assert_eq!(files(export.out_path()), reference, "{told}");
        assert_eq!(runs(export.out_path()).len(), 1, "{told}");
        assert_eq!(runs_of_files(export.out_path()), runs(export.out_path()), "{told}");
        assert!(!export.out_path().join("_work").exists(), "{told}");
        verify(export.out_path());
    }
}

/// A snapshot that was killed while it was built holds nothing that the next one needs.
#[test]
fn an_unfinished_snapshot_of_another_night_is_discarded() {
    let account = Account::of(&["a", "b"]);
    let source = account.nightly(&["a", "b"]);
    source.expect(0);
    let export = snapshot(&source, "deep/snapshot", "--format jsonl");
    let killed = Fault { calls: " write ", path: "/stage/", at: 3, fate: Fate::KillAfter };
    assert_eq!(export.with_fault(killed).run().code, None);
    assert!(export.out_path().join("_work/run.json").exists());
    // A run is not the same as a snapshot.
    let run = account.plain(&["a"]).out_at(export.out_path()).expect(9);
    assert!(run.stderr.contains("the source of the snapshot was"), "{}", run.stderr);
    account.write("a", "3");
    source.expect(0);
    let outcome = export.expect(0);
    assert_eq!(outcome.rows("messages").len(), 5);
    assert!(!outcome.out.join("_work").exists());
    verify(&outcome.out);
    // And an unfinished run is not discarded by a snapshot.
    let other = account.plain(&["a"]).out("deep/other");
    let killed = Fault { calls: " write ", path: "/spool/", at: 2, fate: Fate::KillAfter };
    assert_eq!(other.with_fault(killed).run().code, None);
    let to_other = snapshot(&source, "unused", "").out_at(other.out_path()).without("--out");
    let to_other = to_other.args("--out").arg(&other.out_path().to_string_lossy());
    assert!(to_other.expect(9).last_line().contains("does not fit this command"));
    to_other.args("--fresh").expect(0);
}
