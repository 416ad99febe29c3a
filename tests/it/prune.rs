//! `prune` removes old runs, never the newest one, and only files that belong to a removed run.

use std::path::Path;

use chatzy_export::internals::lock::Lock;
use serde_json::{Value, json};

use crate::support::export::{Export, json as read_json, tree, write};
use crate::support::faults::{CHANGING, Fault, count, setting};
use crate::support::scene::random;
use crate::support::service::{Service, wait_until};
use chatzy_export::internals::store::Store;

/// An export of these runs, the oldest first. A name that begins with `p` makes a partial run.
fn runs(names: &[&str]) -> Export {
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-9-a", "messages-2-b"]).args("--format jsonl");
    let export = export.args("--retries 0 --partition-by month --keep-raw");
    for name in names {
        let run = export.clone().args("--run-id").arg(name);
        if name.starts_with('p') {
            export.write("partial.csv", "contact_id\nmessages-9-a\npoison-2-b\n");
            run.without("--contacts").args("--contacts partial.csv").expect(3);
        } else {
            run.expect(0);
        }
    }
    export
}

fn prune(export: &Export, arguments: &str) -> Export {
    let path = export.out_path().to_string_lossy().into_owned();
    Export::command("prune").arg(&path).args(arguments).out_at(export.out_path())
}

/// The names of the runs that have a manifest.
fn there(out: &Path) -> Vec<String> {
    let names = tree(&out.join("_runs")).into_iter();
    names.filter_map(|path| path.strip_suffix("/manifest.json").map(str::to_owned)).collect()
}

fn verify(out: &Path, told: &str) {
    let outcome = Export::command("verify --deep").arg(&out.to_string_lossy()).run();
    assert_eq!(outcome.code, Some(0), "{told}: {}", outcome.stderr);
}

/// All files that have the name of a run.
fn files_of(out: &Path, run: &str) -> Vec<String> {
    let is_of =
        |path: &String| path.contains(&format!("part-{run}-")) || path.starts_with(&format!("_runs/{run}/"));
    tree(out).into_iter().filter(is_of).collect()
}

#[test]
fn the_newest_stay_and_of_the_others_nothing_is_left() {
    let export = runs(&["r1", "r2", "r3", "r4"]);
    let out = export.out_path();
    let before = tree(out);
    let dry = prune(&export, "--keep-last 2 --dry-run").expect(0);
    assert_eq!(tree(out), before, "a dry run removes nothing");
    let outcome = prune(&export, "--keep-last 2").expect(0);
    assert_eq!(outcome.stdout, dry.stdout, "and says what would be removed");
    let lines: Vec<_> = outcome.stdout.lines().map(|line| line.split('\t').next().unwrap()).collect();
    assert_eq!(lines, ["r2", "r1"]);
    assert!(outcome.last_line().starts_with("removed 2 of 4 runs from "), "{}", outcome.stderr);
    assert_eq!(there(out), ["r3", "r4"]);
    assert_eq!((files_of(out, "r1"), files_of(out, "r2")), (vec![], vec![]));
    let kept: Vec<_> =
        before.into_iter().filter(|path| !path.contains("r1") && !path.contains("r2")).collect();
    let mut now = tree(out);
    now.retain(|path| path != "_runs/pruned.json");
    assert_eq!(now, kept, "the others have all they had");
    assert!(!out.join("_runs/r1").exists());
    verify(out, "pruned");
    let outcome = prune(&export, "--keep-last 2 --json").expect(0);
    let said: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!((&said["removed"], &said["left"]), (&json!([]), &json!([])));
    assert_eq!(said["kept"][0]["run_id"], "r4");
}

#[test]
fn an_export_lives_on_after_it() {
    let service = Service::start("");
    let export = Export::run_of(service.url(), ["messages-9-a"]).args("--format jsonl");
    for at in 0..6 {
        export.clone().args("--run-id").arg(&format!("r{at}")).expect(0);
        prune(&export, "--keep-last 2").expect(0);
        verify(export.out_path(), &format!("after run {at}"));
    }
    assert_eq!(there(export.out_path()), ["r4", "r5"]);
    let record = read_json(&export.out_path().join("_runs/pruned.json"));
    assert_eq!(record["pruned"].as_array().unwrap().len(), 1, "only what the chain needs: {record}");
    // A removed run that a later run names is known only through the record.
    write(&export.out_path().join("_runs/pruned.json"), "{\"pruned\":[]}\n");
    Export::command("verify").arg(&export.out_path().to_string_lossy()).expect(8);
    std::fs::remove_file(export.out_path().join("_runs/pruned.json")).unwrap();
    Export::command("verify").arg(&export.out_path().to_string_lossy()).expect(8);
}

#[test]
fn the_only_complete_run_stays() {
    let export = runs(&["r1", "r2", "p3", "p4"]);
    let outcome = prune(&export, "--keep-last 1").expect(0);
    assert_eq!(there(export.out_path()), ["p4", "r2"], "{}", outcome.stderr);
    verify(export.out_path(), "with a gap");
    assert!(outcome.stderr.contains("it is the newest complete run"), "{}", outcome.stderr);
    prune(&export, "--keep-last 1").expect(0);
    assert_eq!(there(export.out_path()), ["p4", "r2"]);
    verify(export.out_path(), "pruned twice");
}

#[test]
fn time_counts_from_the_newest() {
    let export = runs(&["r1", "r2"]);
    prune(&export, "--keep-within 1h").expect(0);
    assert_eq!(there(export.out_path()), ["r1", "r2"]);
    prune(&export, "--keep-within 1us --keep-last 2").expect(0);
    assert_eq!(there(export.out_path()), ["r1", "r2"], "what either keeps");
    prune(&export, "--keep-within 1us").expect(0);
    assert_eq!(there(export.out_path()), ["r2"]);
    verify(export.out_path(), "by time");
}

#[test]
fn files_of_others_stay_when_runs_go() {
    let export = runs(&["r1", "r2"]);
    let out = export.out_path();
    for path in ["messages/mine.jsonl", "_runs/r1/notes.txt", "raw/part-r1-00077.jsonl.zst", "notes.txt"] {
        write(&out.join(path), "mine");
    }
    let link = tree(out).into_iter().find(|path| path.starts_with("contacts/part-r1-")).unwrap();
    std::fs::copy(out.join(&link), out.join("moved")).unwrap();
    std::fs::remove_file(out.join(&link)).unwrap();
    std::os::unix::fs::symlink(out.join("moved"), out.join(&link)).unwrap();
    let outcome = prune(&export, "--keep-last 1").expect(0);
    assert!(outcome.stderr.contains(&format!("{link} was not removed")), "{}", outcome.stderr);
    let left = files_of(out, "r1");
    assert_eq!(left, ["_runs/r1/notes.txt", &link, "raw/part-r1-00077.jsonl.zst"]);
    assert!(
        out.join("messages/mine.jsonl").exists()
            && out.join("notes.txt").exists()
            && out.join("moved").exists()
    );
}

#[test]
fn what_cannot_be_pruned_is_said() {
    let export = runs(&["r1", "r2"]);
    let out = export.out_path();
    prune(&export, "").expect(2);
    prune(&export, "--keep-last 0").expect(2);
    prune(&export.clone().out("nowhere"), "--keep-last 1").expect(2);
    let held = Lock::acquire(&Store::local(out), None, None).unwrap();
    let outcome = prune(&export, "--keep-last 1").expect(7);
    assert!(outcome.stderr.contains("another run works on"), "{}", outcome.stderr);
    prune(&export, "--keep-last 1 --dry-run").expect(0);
    drop(held);
    let manifest = out.join("_runs/r2/manifest.json");
    let whole = std::fs::read_to_string(&manifest).unwrap();
    write(&manifest, whole.replace("\"complete\"", "\"partial\""));
    let outcome = prune(&export, "--keep-last 1").expect(8);
    assert!(outcome.stderr.contains("nothing was removed"), "{}", outcome.stderr);
    write(&manifest, &whole);
    let older = out.join("_runs/r1/manifest.json");
    write(&older, std::fs::read_to_string(&older).unwrap().replace("\"complete\"", "\"partial\""));
    let outcome = prune(&export, "--keep-last 1").expect(0);
    assert!(outcome.stderr.contains("_runs/r1/manifest.json was not removed"), "{}", outcome.stderr);
    assert_eq!(there(out), ["r1", "r2"]);
}

#[test]
fn stopped_at_any_call_each_run_is_whole_or_gone() {
    let (mut rng, seed) = random("prune, killed at random calls");
    let export = runs(&["r1", "r2", "r3", "p4"]);
    let copy = |name: &str| {
        write(&export.path(&format!("{name}/beside")), "");
        let copied =
            std::process::Command::new("cp").arg("-a").arg(export.out_path()).arg(export.path(name)).status();
        assert!(copied.unwrap().success());
        prune(&export.clone().out(&format!("{name}/export")), "--keep-last 1")
    };
    let whole = copy("whole").logging_calls();
    whole.expect(0);
    let calls = count(&whole.calls(), CHANGING);
    let reference = tree(whole.out_path());
    for turn in 0..setting("CRASH_KILLS", 50) / 2 {
        let pruning = copy(&format!("killed-{turn}"));
        let faults: Vec<Fault> =
            (0..rng.usize(1..=3)).map(|_| crate::crash::random_kill(&mut rng, calls)).collect();
        let told = format!("{seed}, {faults:?}");
        for fault in &faults {
            pruning.with_fault(*fault).run();
            verify(pruning.out_path(), &told);
        }
        pruning.expect(0);
        assert_eq!(tree(pruning.out_path()), reference, "{told}");
        verify(pruning.out_path(), &told);
    }
}

#[test]
fn an_export_may_be_verified_meanwhile() {
    let export = runs(&["r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8"]);
    for keep in (1..8).rev() {
        let mut pruning = prune(&export, &format!("--keep-last {keep}")).start();
        wait_until("it is over", || {
            verify(export.out_path(), "meanwhile");
            pruning.is_over()
        });
    }
    assert_eq!(there(export.out_path()), ["r8"]);
}
