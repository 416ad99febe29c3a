//! `prune` in a folder of incremental runs: the newest rows of every contact stay, and no run stays without
//! need.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chatzy_export::internals::state;

use super::account::Account;
use super::{covered, verified};
use crate::support::export::{Export, Outcome, json as read_json};
use chatzy_export::internals::store::Store;

fn prune(export: &Export, arguments: &str) -> Export {
    Export::command("prune").arg(&export.out_path().to_string_lossy()).args(arguments)
}

fn runs(out: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(out.join("_runs")).unwrap().map(|entry| entry.unwrap().path());
    let folders = entries.filter(|path| path.join("manifest.json").exists());
    folders.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

/// The run with the newest rows of each contact, according to the state of this run.
fn holders(out: &Path, run: &str) -> BTreeMap<String, String> {
    let path = format!("_runs/{run}/state.parquet");
    let rows = state::read(&Store::local(out), path.as_ref()).unwrap().map(Result::unwrap);
    let held = rows.filter_map(|row| Some((row.contact_id.to_string(), row.export?.run_id.to_string())));
    held.collect()
}

/// Asserts that the newest rows of each contact are in an existing run.
fn is_whole(outcome: &Outcome, run: &str, contacts: usize) {
    let holders = holders(&outcome.out, run);
    assert_eq!(holders.len(), contacts);
    for (contact, holder) in holders {
        let manifest = read_json(&outcome.out.join(format!("_runs/{holder}/manifest.json")));
        let files = manifest["files"].as_array().unwrap().clone();
        let coverage = files.iter().filter(|file| file["table"] == "coverage");
        let has = |path: &str| {
            let text = std::fs::read_to_string(outcome.out.join(path)).unwrap();
            text.lines().any(|line| {
                line.contains(&format!("\"contact_id\":\"{contact}\"")) && line.contains("\"exported\"")
            })
        };
        assert!(coverage.map(|file| file["path"].as_str().unwrap()).any(has), "{contact} in {holder}");
    }
}

#[test]
fn only_runs_that_states_name_stay() {
    let account = Account::of(&["a", "b", "c"]);
    let export = account.nightly(&["a", "b", "c"]);
    let mut last = None;
    for night in 1..=8 {
        account.write("a", &night.to_string());
        if night == 3 {
            account.write("b", "3");
        }
        last = Some(export.clone().args("--run-id").arg(&format!("n{night}")).expect(0));
    }
    let last = last.unwrap();
    let dry = prune(&export, "--keep-last 2 --dry-run").expect(0);
    let outcome = prune(&export, "--keep-last 2").expect(0);
    assert_eq!(outcome.stdout, dry.stdout);
    // n1 holds c, n3 holds b, and --keep-last keeps n7 and n8.
    assert_eq!(runs(&last.out).into_iter().collect::<Vec<_>>(), ["n1", "n3", "n7", "n8"]);
    assert!(outcome.stderr.contains("contacts that a later run did not read again"), "{}", outcome.stderr);
    is_whole(&last, "n7", 3);
    is_whole(&last, "n8", 3);
    verified(&last);
    assert_eq!(covered(&export.expect(0)), ["a unchanged", "b unchanged", "c unchanged"]);
    // A sweep reads all contacts, and then no older run is needed.
    export.clone().args("--full --run-id full").expect(0);
    prune(&export, "--keep-last 1").expect(0);
    assert_eq!(runs(&last.out).into_iter().collect::<Vec<_>>(), ["full"]);
    assert_eq!(export.expect(0).contacts("unchanged"), 3);
}

#[test]
fn the_next_increment_finds_its_state_across_pruned_runs() {
    let account = Account::of(&["a", "b"]);
    let plain = account.plain(&["a", "b"]);
    let export = plain.clone().args("--incremental");
    export.clone().args("--run-id nightly").expect(0);
    for run in ["p1", "p2", "p3"] {
        plain.clone().args("--run-id").arg(run).expect(0);
    }
    let outcome = prune(&export, "--keep-last 1").expect(0);
    assert!(outcome.stderr.contains("the next incremental run needs its state"), "{}", outcome.stderr);
    account.write("a", "3");
    let next = export.expect(0);
    assert_eq!(runs(&next.out).len(), 3, "nightly, p3 and this one");
    verified(&next);
    assert_eq!(covered(&next), ["a exported", "b unchanged"]);
}

#[test]
fn a_state_goes_with_its_run() {
    let account = Account::of(&["a"]);
    let export = account.plain(&["a"]);
    export.clone().args("--incremental --run-id r1").expect(0);
    export.clone().args("--incremental --full --run-id r2").expect(0);
    let out = export.clone().args("--run-id r3").expect(0).out;
    prune(&export, "--keep-last 1").expect(0);
    assert_eq!(runs(&out).into_iter().collect::<Vec<_>>(), ["r2", "r3"]);
    assert!(!out.join("_runs/r1").exists() && out.join("_runs/r2/state.parquet").exists());
}

#[test]
fn nothing_is_removed_where_a_kept_state_is_damaged() {
    let account = Account::of(&["a", "b"]);
    let export = account.nightly(&["a", "b"]);
    for run in ["n1", "n2", "n3"] {
        account.write("a", run);
        export.clone().args("--run-id").arg(run).expect(0);
    }
    let state = export.path("export/_runs/n3/state.parquet");
    let whole = std::fs::read(&state).unwrap();
    for damage in [&whole[..whole.len() - 1], b"", b"PAR1"] {
        crate::support::export::write(&state, damage);
        let outcome = prune(&export, "--keep-last 1").expect(8);
        assert!(outcome.last_line().contains("n3/state.parquet"), "{}", outcome.last_line());
        assert_eq!(runs(export.out_path()).len(), 3);
    }
    std::fs::remove_file(&state).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &state).unwrap();
    prune(&export, "--keep-last 1").expect(8);
    assert_eq!(runs(export.out_path()).len(), 3);
}
